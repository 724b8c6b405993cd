"""Kibana and Elasticsearch in memory, as far as push, verify, drift and doctor ask them: a transport for both clients.

It knows what the requests of this tool need and no more; what it does not know is 501. `asked` holds all requests,
`told` what its connections tell beside their results. With
`nonsense` the request of that number (counted from 0) is answered so, and whatever is the same request afterwards.
"""

import json
import re
import threading
import uuid
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from requests.adapters import BaseAdapter

from entra_deployer.core.json import encode_json
from entra_deployer.ledger.open import connection_of
from entra_deployer.stack.elasticsearch import connect
from entra_deployer.stack.environment import Credentials, Endpoint, Environment, Limits, Scheme
from entra_deployer.stack.kibana import KibanaClient
from entra_deployer.stack.server import Pauses
from tests.stack.script import response

KIBANA_URL = "http://kibana.example:5601"
ELASTIC_URL = "http://elastic.example:9200"
AT = "2026-11-25T12:00:00.000Z"
LATER = "2026-11-25T12:00:01.000Z"
OF_KIBANA = {
    "content-type": "application/json; charset=utf-8",
    "kbn-name": "kibana",
    "date": "Wed, 25 Nov 2026 12:00:00 GMT",
}
OF_ELASTIC = {"content-type": "application/json", "x-elastic-product": "Elasticsearch"}
NOT_SERVED = (501, {"statusCode": 501, "error": "Not Implemented", "message": "not in memory"})


class Asked:
    """A request: its query, the groups of its path, and its body as JSON or as lines of it."""

    def __init__(self, request, query, *parts):
        self.request, self.query, self.parts = request, query, parts

    @property
    def body(self):
        return json.loads(self.request.body or b"{}")

    @property
    def lines(self):
        return [json.loads(line) for line in self.request.body.splitlines()]

    @property
    def file(self):
        """The lines of the file in a multipart upload."""
        head = f"content-type: {self.request.headers['content-type']}\r\n\r\n".encode()
        (part,) = BytesParser(policy=HTTP).parsebytes(head + self.request.body).iter_parts()
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        return [json.loads(line) for line in content.splitlines()]


@dataclass
class MemoryStack(BaseAdapter):
    """Both servers. The rules of a space, its saved objects and the documents of each index are dicts."""

    rules: dict = field(default_factory=dict)
    objects: dict = field(default_factory=dict)
    documents: dict = field(default_factory=dict)
    nonsense: tuple = ()
    asked: list = field(default_factory=list)
    told: list = field(default_factory=list)
    user: str = "elastic"
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _sequence: int = 0

    def send(self, request, *_, **__):
        with self._lock:
            number = len(self.asked)
            self.asked.append((request.method, request.url))
            if self.nonsense and number >= self.nonsense[0]:
                at, answer = self.nonsense
                if self.asked[at] == self.asked[number]:
                    return response(request, *answer)
            parts = urlsplit(request.url)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            of_kibana = request.url.startswith(KIBANA_URL)
            headers = OF_KIBANA if of_kibana else OF_ELASTIC
            for methods, path, serve in KIBANA if of_kibana else ELASTIC:
                if request.method in methods.split() and (found := re.fullmatch(path, unquote(parts.path))):
                    status, body = serve(self, Asked(request, query, *found.groups()))
                    return response(request, status, body, headers)
            return response(request, *NOT_SERVED, headers)

    def close(self):
        pass

    def connection(self, root=Path("nowhere"), **settings):
        """A connection to both, one request at a time, so that each run asks the same in the same order."""
        pauses = Pauses(pause=lambda _: None)
        credentials = Credentials(Scheme.BASIC, "word-of-the-tests", "elastic")
        kibana, elastic = Endpoint(KIBANA_URL, credentials), Endpoint(ELASTIC_URL, credentials)
        limits = Limits(parallel=1)
        environment = Environment("memory", kibana, elastic, enabled=True, limits=limits, **settings)
        clients = KibanaClient(kibana, self, pauses), connect(elastic, self, pauses)
        return connection_of(environment, root, *clients, self.told.append)

    def copy(self):
        """The same state, to be changed apart."""
        rules, objects, documents = (
            json.loads(json.dumps(part)) for part in (self.rules, self.objects, self.documents)
        )
        return MemoryStack(rules, objects, documents, _sequence=self._sequence)

    # -- Kibana -----------------------------------------------------------------------------------------------------

    def find_rules(self, asked):
        kql, size, page = (asked.query.get(name, "") for name in ("filter", "per_page", "page"))
        tags = re.match(r'(not )?alert\.attributes\.tags: "([^"]*)"', kql)
        found = [
            one for one in self.rules.values() if not tags or (tags[2] in one.get("tags", ())) is not bool(tags[1])
        ]
        begin = (int(page or 1) - 1) * int(size or 20)
        some = found[begin : begin + int(size or 20)]
        return 200, {"page": int(page or 1), "perPage": int(size or 20), "total": len(found), "data": some}

    def read_rule(self, asked):
        return self._rule_by(asked.query)

    def _rule_by(self, wanted):
        for rule in self.rules.values():
            if rule["id"] == wanted.get("id") or rule["rule_id"] == wanted.get("rule_id"):
                return 200, rule
        return 404, {"message": "rule not found", "status_code": 404}

    def write_rule(self, asked):
        status, rule = self._rule_by(asked.body)
        if status == 200:
            kept = rule if asked.request.method == "PATCH" else {name: rule[name] for name in ("id", "rule_id")}
            rule = self._keep_rule({**kept, **asked.body, "revision": rule["revision"] + 1})
        return status, rule

    def import_rules(self, asked):
        errors = []
        for line in asked.file:
            if line["rule_id"] in self.rules and asked.query.get("overwrite") != "true":
                error = {"status_code": 409, "message": "it exists already"}
                errors.append({"rule_id": line["rule_id"], "error": error})
            else:
                self._keep_rule({**self.rules.get(line["rule_id"], {}), "actions": [], "exceptions_list": [], **line})
        return 200, {"success": not errors, "success_count": 1, "rules_count": 1, "errors": errors}

    def change_rules(self, asked):
        meant = {key: one for key, one in self.rules.items() if one["id"] in asked.body["ids"]}
        if asked.body["action"] == "delete":
            self.rules = {key: one for key, one in self.rules.items() if key not in meant}
        for key in meant if asked.body["action"] in ("enable", "disable") else ():
            self._keep_rule({**meant[key], "enabled": asked.body["action"] == "enable"})
        return 200, {"success": True, "rules_count": len(asked.body["ids"])}

    def preview(self, _):
        logs: list[dict[str, list[str]]] = [{"errors": [], "warnings": []}]
        return 200, {"previewId": str(uuid.uuid4()), "logs": logs, "isAborted": False}

    def _keep_rule(self, rule):
        found = {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, rule["rule_id"])), "revision": 0, "immutable": False, **rule}
        found |= {"updated_at": AT, "updated_by": "elastic", "created_at": AT, "created_by": "elastic"}
        self.rules[rule["rule_id"]] = found
        return found

    def find_objects(self, asked):
        found = [one for one in self.objects.values() if one["type"] == asked.query["type"]]
        return 200, {"page": 1, "per_page": 1000, "total": len(found), "saved_objects": found}

    def import_objects(self, asked):
        lines = {f"{line['type']}:{line['id']}": line for line in asked.file}
        taken = [key for key in lines if key in self.objects and asked.query.get("overwrite") != "true"]
        errors = [{"id": lines[key]["id"], "error": {"type": "conflict"}} for key in taken]
        for key, line in lines.items() if not taken else ():
            self._keep_object(key, line)
        return 200, {"success": not taken, "successCount": 0 if taken else len(lines), "errors": errors}

    def _keep_object(self, key, item, updated_at=AT):
        self._sequence += 1
        self.objects[key] = {"created_at": AT, **item, "version": f"v{self._sequence}", "updated_at": updated_at}

    def read_object(self, asked):
        found = self.objects.get(":".join(asked.parts))
        return (200, found) if found else (404, {"message": "it is gone"})

    def write_object(self, asked):
        key = ":".join(asked.parts)
        status, found = self.read_object(asked)
        if status == 200 and asked.body.get("version", found["version"]) != found["version"]:
            return 409, {"statusCode": 409, "error": "Conflict", "message": "version conflict"}
        if status == 200:
            attributes = {**found["attributes"], **asked.body["attributes"]}
            references = asked.body.get("references", found.get("references", []))
            self._keep_object(key, {**found, "attributes": attributes, "references": references}, LATER)
            found = self.objects[key]
        return status, found

    def export_objects(self, asked):
        keys = {f"{one['type']}:{one['id']}": one for one in asked.body["objects"]}
        if missing := [one for key, one in keys.items() if key not in self.objects]:
            return 400, {"statusCode": 400, "message": "Error fetching objects", "attributes": {"objects": missing}}
        return 200, "\n".join(json.dumps(self.objects[key]) for key in keys).encode()

    def delete_object(self, asked):
        return (200, {}) if self.objects.pop(":".join(asked.parts), None) else (404, {"message": "it is gone"})

    def identity(self, _):
        return 200, {"username": self.user, "roles": ["superuser"]}

    # -- Elasticsearch ----------------------------------------------------------------------------------------------

    def index_exists(self, asked):
        return (200 if asked.parts[0] in self.documents else 404), b""

    def index_visibility(self, asked):
        if asked.parts[0] not in self.documents:
            return 404, {"error": {"type": "index_not_found_exception", "reason": "no such index"}, "status": 404}
        return 200, {asked.parts[0]: {"settings": {"index": {"hidden": "true", "uuid": "x"}}}}

    def index_settings(self, asked):
        ours = [name for name in self.documents if fnmatch(name, asked.parts[0])]
        return 200, dict.fromkeys(ours or ["logs-1"], SETTINGS)

    def create_index(self, asked):
        self.documents[asked.parts[0]] = {}
        return 200, {"acknowledged": True}

    def delete_index(self, asked):
        if self.documents.pop(asked.parts[0], None) is None:
            reason = f"no such index [{asked.parts[0]}]"
            return 404, {"error": {"type": "index_not_found_exception", "reason": reason}, "status": 404}
        return 200, {"acknowledged": True}

    def search(self, asked):
        filters = asked.body.get("query", {}).get("bool", {}).get("filter", ())
        wanted = {name: {value} for one in filters for name, value in one.get("term", {}).items()}
        wanted |= {name: set(values) for one in filters for name, values in one.get("terms", {}).items()}
        hits = [
            {"_id": key, "_source": one["_source"], "sort": [one["_seq_no"]]}
            for key, one in self.documents.get(asked.parts[0], {}).items()
            if all(_values(one["_source"].get(name)) & values for name, values in wanted.items())
        ]
        return 200, encode_json({"hits": {"hits": hits}})  # documents are told as they were written

    def bulk(self, asked):
        items, lines = [], iter(asked.lines)
        for action in lines:
            ((name, meta),) = action.items()
            if name == "delete":
                self.documents.get(asked.parts[0], {}).pop(meta["_id"], None)
            else:
                self._write(asked.parts[0], meta.get("_id") or str(uuid.uuid4()), next(lines))
            items.append({name: {"status": 201}})
        return 200, {"errors": False, "items": items}

    def read_document(self, asked):
        standing = self.documents.get(asked.parts[0], {}).get(asked.parts[1])
        return (200, {"found": True, **standing}) if standing else (404, {"found": False})

    def change_document(self, asked):
        index, key = asked.parts
        standing = self.documents.get(index, {}).get(key)
        expected = asked.query.get("if_seq_no")
        if expected and (not standing or standing["_seq_no"] != int(expected)):
            error = {"type": "version_conflict_engine_exception", "reason": "another version"}
            return 409, {"error": error, "status": 409}
        if asked.request.method != "DELETE":
            return 201, self._write(index, key, asked.body)
        gone = self.documents[index].pop(key, None)
        return (200, {"result": "deleted"}) if gone else (404, {"_index": index, "result": "not_found"})

    def _write(self, index, key, source):
        self._sequence += 1
        self.documents.setdefault(index, {})[key] = {"_source": source, "_seq_no": self._sequence, "_primary_term": 1}
        return {"result": "created", "_id": key, "_seq_no": self._sequence, "_primary_term": 1}


def _values(value):
    return set(value) if isinstance(value, list) else {value} if isinstance(value, str) else set()


def _fixed(body):
    return lambda _stack, _asked: (200, body)


def _held(_, request):
    asked = request.body
    index = {name: dict.fromkeys(item["privileges"], True) for item in asked.get("index", ()) for name in item["names"]}
    application = {
        item["application"]: {resource: dict.fromkeys(item["privileges"], True) for resource in item["resources"]}
        for item in asked.get("application", ())
    }
    cluster = dict.fromkeys(asked.get("cluster", ()), True)
    return 200, {"has_all_requested": True, "cluster": cluster, "index": index, "application": application}


def _result(_, asked):
    if asked.body["query"].startswith("ROW"):
        return 200, {"columns": [{"name": "now", "type": "date"}], "values": [[AT]]}
    return 200, {"columns": [{"name": "user.name", "type": "keyword"}], "values": []}


STATUS = {"status": {"overall": {"level": "available"}}, "version": {"number": "8.19.2"}}
LICENSE = {"license": {"type": "platinum", "status": "active"}}
RULES = "/api/detection_engine/rules"
KIBANA = (
    ("GET", "/api/status", _fixed(STATUS)),
    ("GET", "/api/licensing/info", _fixed(LICENSE)),
    ("GET", "/api/detection_engine/privileges", _fixed({"has_encryption_key": True})),
    ("GET", "/api/spaces/space", _fixed([{"id": "default"}])),
    ("GET", "/api/actions/connectors", _fixed([])),
    ("GET", f"{RULES}/_find", MemoryStack.find_rules),
    ("GET", RULES, MemoryStack.read_rule),
    ("PUT PATCH", RULES, MemoryStack.write_rule),
    ("POST", f"{RULES}/_import", MemoryStack.import_rules),
    ("POST", f"{RULES}/_bulk_action", MemoryStack.change_rules),
    ("POST", f"{RULES}/preview", MemoryStack.preview),
    ("GET", "/api/saved_objects/_find", MemoryStack.find_objects),
    ("POST", "/api/saved_objects/_import", MemoryStack.import_objects),
    ("POST", "/api/saved_objects/_export", MemoryStack.export_objects),
    ("GET", "/api/saved_objects/([^/]+)/([^/]+)", MemoryStack.read_object),
    ("PUT", "/api/saved_objects/([^/]+)/([^/]+)", MemoryStack.write_object),
    ("DELETE", "/api/saved_objects/([^/]+)/([^/]+)", MemoryStack.delete_object),
)
SETTINGS = {"settings": {"index": {"creation_date": "1764072000000"}}}
"""Every index was made at AT."""
ELASTIC = (
    ("GET", "/", _fixed({"cluster_uuid": "u", "version": {"number": "8.19.2", "build_flavor": "default"}})),
    ("GET", "/_license", _fixed(LICENSE)),
    ("GET", "/_security/_authenticate", MemoryStack.identity),
    ("POST", "/_security/user/_has_privileges", _held),
    ("POST", "/_query", _result),
    ("POST", "/_aliases", _fixed({"acknowledged": True})),
    ("GET", "/([^/]+)/_settings/index.hidden.*", MemoryStack.index_visibility),
    ("GET", "/([^/]+)/_settings/.*", MemoryStack.index_settings),
    ("GET POST", "/[^/]+/_field_caps", _fixed({"indices": ["logs-1"], "fields": {}})),
    ("POST", "/([^/]+)/_search", MemoryStack.search),
    ("POST PUT", "/([^/]+)/_bulk", MemoryStack.bulk),
    ("GET", "/([^/]+)/_doc/(.+)", MemoryStack.read_document),
    ("PUT POST DELETE", "/([^/]+)/(?:_doc|_create)/(.+)", MemoryStack.change_document),
    ("HEAD", "/([^/]+)", MemoryStack.index_exists),
    ("PUT", "/([^/]+)", MemoryStack.create_index),
    ("DELETE", "/([^/]+)", MemoryStack.delete_index),
)
