"""A Kibana of one space in memory, as far as the handlers need it: it answers as the real 8.12.2 did."""

import uuid

from entra_deployer.core.errors import Refused
from entra_deployer.stack.answers import typed

DEFAULTS = {
    **{name: [] for name in ("tags", "actions", "exceptions_list", "references", "threat", "required_fields")},
    "note": "",
    "setup": "",
    "interval": "5m",
    "from": "now-6m",
    "to": "now",
    "max_signals": 100,
    "enabled": True,
    "related_integrations": [],
}
IMPORTED_ONLY = {"setup", "required_fields", "related_integrations"}


class FakeKibana:
    """`calls` are the requests that write; `refuses` says of a rule's payload why it is refused, "" where it is not."""

    url = "http://kibana"

    def __init__(self, *, old=True, refuses=lambda _: ""):
        self.rules = {}
        self.objects = {}
        self.calls = []
        self.old = old
        self.refuses = refuses
        self.seq = 0

    def add_rule(self, payload, **more):
        object_id = str(uuid.uuid4())
        self.rules[object_id] = {**DEFAULTS, **payload, "id": object_id, "revision": 0, "updated_by": "ute", **more}
        return object_id

    def get(self, path, into, *, space="default", params=None):
        if path == "/api/detection_engine/rules":
            return typed(self._rule(params["id"]), into)
        if path.endswith("rules/_find"):
            return typed({"data": list(self.rules.values()), "total": len(self.rules)}, into)
        if path.endswith("saved_objects/_find"):
            return typed({"saved_objects": list(self.objects.values()), "total": len(self.objects)}, into)
        return typed(self._object(path.rpartition("/")[2]), into)

    def _rule(self, object_id):
        if object_id not in self.rules:
            raise Refused("not found", status=404)
        return self.rules[object_id]

    def _object(self, key):
        if key not in self.objects:
            raise Refused("not found", status=404)
        return self.objects[key]

    def patch(self, path, body, into, *, space="default"):
        self.calls.append(("PATCH", body))
        rule = self._rule(body["id"])
        if None in body.values():
            raise Refused("null is not accepted", status=400)
        self.rules[body["id"]] = {**rule, **{k: v for k, v in body.items() if not (self.old and k in IMPORTED_ONLY)}}

    def put(self, path, body, into, *, space="default"):
        self.calls.append(("PUT", body))
        if "saved_objects" in path:
            key = path.rpartition("/")[2]
            item = self._object(key)
            if body.get("version") not in (None, item["version"]):
                raise Refused("version conflict", status=409)
            self._store({**item, "attributes": item["attributes"] | body["attributes"], **_references(body)})
            return
        if "rule_id" in body:
            raise Refused("both id and rule_id", status=400)
        old = self._rule(body["id"])
        kept = {k: old[k] for k in ("rule_id", "revision", "updated_by", *(IMPORTED_ONLY if self.old else ()))}
        self.rules[body["id"]] = {**DEFAULTS, **body, **kept}

    def upload(self, path, lines, into, *, space="default", params=None):
        lines = list(lines)
        self.calls.append(("IMPORT", lines))
        answer = self._import_objects if "saved_objects" in path else self._import_rules
        return typed(answer(lines, overwrite=params["overwrite"] == "true"), into)

    def _import_objects(self, lines, *, overwrite):
        taken = [line["id"] for line in lines if line["id"] in self.objects and not overwrite]
        errors = [{"id": key, "error": {"type": "conflict"}} for key in taken]
        for line in lines if not taken else ():
            self._store(line)
        return {"success": not taken, "successCount": 0 if taken else len(lines), "errors": errors}

    def _import_rules(self, lines, *, overwrite):
        errors = []
        for line in lines:
            if reason := self.refuses(line):
                errors.append({"rule_id": "(unknown id)", "error": {"status_code": 400, "message": reason}})
                continue
            old = next((r for r in self.rules.values() if r["rule_id"] == line["rule_id"]), None)
            if old and not overwrite:
                errors.append({"rule_id": line["rule_id"], "error": {"status_code": 409, "message": "exists"}})
            elif old:
                self.rules[old["id"]] = {**old, "actions": [], "exceptions_list": [], **line}
            else:
                self.add_rule(line)
        return {"success": not errors, "errors": errors}

    def _store(self, item):
        self.seq += 1
        self.objects[item["id"]] = {**item, "version": f"v{self.seq}"}

    def export(self, path, body, into, *, space="default"):
        wanted = [one["id"] for one in body["objects"]]
        missing = [{"id": key, "type": "search"} for key in wanted if key not in self.objects]
        if missing:
            raise Refused("missing", status=400, attributes={"objects": missing})
        return [typed(self.objects[key], into) for key in wanted]

    def post(self, path, body, into, *, space="default", params=None):
        self.calls.append((body["action"], body["ids"]))
        for object_id in body["ids"]:
            if body["action"] == "delete":
                self.rules.pop(object_id, None)
            else:
                self.rules[object_id] = {**self.rules[object_id], "enabled": body["action"] == "enable"}

    def delete(self, path, into, *, space="default"):
        self.calls.append(("DELETE", path))
        self._object(path.rpartition("/")[2])
        del self.objects[path.rpartition("/")[2]]


def _references(body):
    return {"references": body["references"]} if "references" in body else {}
