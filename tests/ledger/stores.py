"""An index that is kept in memory, with the compare and set of the real one."""

from entra_deployer.core.errors import Refused
from entra_deployer.core.json import encode_json
from entra_deployer.ledger.store import _matches
from entra_deployer.stack.elasticsearch import StoredDocument


class MemoryStore:
    """What IndexStore does, without a server. `refuses` is the status that everything is answered with."""

    place = "memory"

    def __init__(self, refuses=0):
        self.documents = {}
        self.writes = []
        self.refuses = refuses
        self.locks = {}
        self.seq = 0
        self.asked = 0

    def _ask(self):
        self.asked += 1
        if self.refuses:
            raise Refused("no", status=self.refuses)

    def find(self, type_, terms):
        self._ask()
        return {k: d for k, d in self.documents.items() if d.get("type") == type_ and _matches(d, terms)}

    def find_of(self, types, spaces, environment):
        self._ask()
        return {
            key: encode_json(one, ordered=True)
            for key, one in self.documents.items()
            if one.get("type") in types
            and _matches(one, {"space": spaces} if one.get("space") else {"environment": environment})
        }

    def put(self, *documents, gone=()):
        self._ask()
        for one in gone:
            self.documents.pop(one, None)
        for some in documents:
            self.writes += some
            self.documents |= some

    def ensure_index(self):
        self._ask()

    def get_lock(self, document_id):
        self._ask()
        return self.locks.get(document_id)

    def put_lock(self, document_id, source, *, replaces):
        self._ask()
        self._same(document_id, replaces)
        self.seq += 1
        self.locks[document_id] = StoredDocument(document_id, source, self.seq, 1)
        return self.locks[document_id]

    def delete_lock(self, document_id, *, replaces):
        self._same(document_id, replaces)
        del self.locks[document_id]

    def _same(self, document_id, expected):
        standing = self.locks.get(document_id)
        if (standing and standing.seq_no) != (expected and expected.seq_no):
            raise Refused("version conflict", status=409)
