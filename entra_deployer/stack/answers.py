"""The type of each endpoint's answer, and how an answer becomes one. What no code reads is not looked at.

Sources: recorded answers of a real Kibana 8.12.2, the API specifications of 8.12 to 9.x, and Elasticsearch's.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Required, TypedDict

import msgspec

from entra_deployer.core.json import Json, worked_out

if TYPE_CHECKING:  # the kinds of objects name these types, and none of them needs the HTTP library for it
    from entra_deployer.stack.diagnosis import Answer, Diagnosis

_PLACE = re.compile(r" - at `\$?\.?(.*)`$")


class _Answer(msgspec.Struct, frozen=True):
    """An object; fields that we do not know are no fault."""


# -- bodies of which every key is kept --------------------------------------------------------------------------------


class _RequiredField(TypedDict):
    name: str
    type: str


class LastExecution(_Answer, frozen=True):
    """What Kibana says of a rule's last run, "" for what it does not; `date` is ISO 8601."""

    status: str = ""
    date: str = ""
    message: str = ""


class _ExecutionSummary(_Answer, frozen=True):
    last_execution: LastExecution | None = None


_RuleKeys = TypedDict(
    "_RuleKeys",
    {
        "id": Required[str],
        "rule_id": Required[str],
        "name": Required[str],
        "enabled": bool,
        "tags": list[str],
        "meta": dict[str, Json],
        "actions": list[dict[str, Json]],
        "exceptions_list": list[dict[str, Json]],
        "required_fields": list[_RequiredField],
        "related_integrations": list[dict[str, Json]],
        "threat": list[dict[str, Json]],
        "references": list[str],
        "false_positives": list[str],
        "severity": str,
        "risk_score": float,
        "interval": str,
        "from": str,
        "to": str,
        "query": str,
        "language": str,
        "type": str,
        "max_signals": int,
        "immutable": bool,
        "revision": int,
        "created_at": str,
        "updated_at": str,
        "updated_by": str | None,
        "execution_summary": _ExecutionSummary | None,
    },
    total=False,
)


class _Reference(TypedDict):
    id: str
    name: str
    type: str


class _SearchSource(TypedDict, total=False):
    searchSourceJSON: str


class _Tab(TypedDict):
    attributes: dict[str, Json]


class _Attributes(TypedDict, total=False):
    title: str
    name: str
    description: str | None
    kibanaSavedObjectMeta: _SearchSource
    tabs: list[_Tab]


class _SavedObjectKeys(TypedDict, total=False):
    id: Required[str]
    type: Required[str]
    attributes: Required[_Attributes]
    references: list[_Reference]
    version: str
    created_at: str
    updated_at: str
    updated_by: str | None
    managed: bool


class _Body[Keys]:
    """An object as it was told: what we read of it, decoded, and the whole."""

    def __init__(self, read: Keys, whole: Mapping[str, Json]) -> None:
        self.read = read
        self.whole = whole


class RuleBody(_Body[_RuleKeys]):
    """A rule as Kibana tells it."""


class SavedObjectBody(_Body[_SavedObjectKeys]):
    """A saved object as Kibana tells it, or a line of an export."""


_READ = {RuleBody: _RuleKeys, SavedObjectBody: _SavedObjectKeys}


# -- Kibana -----------------------------------------------------------------------------------------------------------


class _KibanaVersion(_Answer, frozen=True):
    number: str


class KibanaStatus(_Answer, frozen=True):
    """GET /api/status; without a version for those whom Kibana does not know."""

    status: dict[str, Json]
    version: _KibanaVersion | None = None


class _LicenseInForce(_Answer, frozen=True, rename="camel"):
    type: str
    status: str = "active"
    expiry_date_in_millis: int | float | None = None


class LicensingInfo(_Answer, frozen=True):
    """GET /api/licensing/info."""

    license: _LicenseInForce


class DetectionPrivileges(_Answer, frozen=True):
    """GET /api/detection_engine/privileges."""

    has_encryption_key: bool


class Space(_Answer, frozen=True):
    """A space of Kibana."""

    id: str


class RulePage(_Answer, frozen=True):
    """GET rules/_find."""

    data: list[RuleBody]
    total: int


class Connector(_Answer, frozen=True):
    """A connector of a space, as GET actions/connectors lists it."""

    connector_type_id: str
    id: str
    name: str


class ExceptionList(_Answer, frozen=True):
    """GET /api/exception_lists."""

    id: str
    list_id: str
    namespace_type: str
    type: str


class _ImportProblem(_Answer, frozen=True):
    message: str = ""
    status_code: int = 0


class RuleImportError(_Answer, frozen=True):
    """A line of an import that was not taken, by rule_id or by the id of what it names."""

    error: _ImportProblem
    rule_id: str | None = None
    id: str | None = None

    @property
    def key(self) -> str:
        """What is named as not taken."""
        return self.rule_id or self.id or "(unknown id)"


class RulesImported(_Answer, frozen=True):
    """POST rules/_import."""

    success: bool
    errors: list[RuleImportError]
    action_connectors_errors: tuple[RuleImportError, ...] = ()


class BulkAction(_Answer, frozen=True):
    """POST rules/_bulk_action, where all went well."""

    success: bool


class _PreviewLog(_Answer, frozen=True):
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class RulePreviewed(_Answer, frozen=True, rename="camel"):
    """POST rules/preview. `preview_id` is "" where nothing ran."""

    logs: list[_PreviewLog]
    preview_id: str = ""
    is_aborted: bool = False


class SavedObjectPage(_Answer, frozen=True):
    """GET saved_objects/_find."""

    saved_objects: list[SavedObjectBody]
    total: int


class SavedObjectError(_Answer, frozen=True):
    """An object of an import that was not taken."""

    id: str
    error: dict[str, Json]


class SavedObjectWritten(_Answer, frozen=True, rename="camel"):
    """An object of an import that was taken; `destination_id` is the id that it got where its own was not free."""

    id: str
    destination_id: str | None = None


class SavedObjectsImported(_Answer, frozen=True, rename="camel"):
    """POST saved_objects/_import."""

    success: bool
    success_count: int
    errors: tuple[SavedObjectError, ...] = ()
    success_results: tuple[SavedObjectWritten, ...] = ()


# -- Elasticsearch ----------------------------------------------------------------------------------------------------


class _ElasticVersion(_Answer, frozen=True):
    number: str
    build_flavor: str = "default"


class ElasticInfo(_Answer, frozen=True):
    """GET /."""

    version: _ElasticVersion
    cluster_uuid: str = ""


class _ElasticLicense(_Answer, frozen=True):
    type: str
    status: str = "active"
    expiry_date_in_millis: int | None = None


class ElasticLicense(_Answer, frozen=True):
    """GET /_license."""

    license: _ElasticLicense


class _ApiKeyOfUser(_Answer, frozen=True):
    id: str
    name: str | None = None


class Authenticated(_Answer, frozen=True):
    """GET /_security/_authenticate."""

    username: str
    roles: tuple[str, ...] = ()
    api_key: _ApiKeyOfUser | None = None


class _ApiKey(_Answer, frozen=True):
    id: str
    expiration: int | None = None


class ApiKeys(_Answer, frozen=True):
    """GET /_security/api_key."""

    api_keys: list[_ApiKey]


class HeldPrivileges(_Answer, frozen=True):
    """POST /_security/user/_has_privileges."""

    has_all_requested: bool
    cluster: dict[str, bool]
    index: dict[str, dict[str, bool]]
    application: dict[str, dict[str, dict[str, bool]]]


class _EsqlColumn(_Answer, frozen=True):
    name: str
    type: str


class EsqlResult(_Answer, frozen=True):
    """POST /_query."""

    columns: list[_EsqlColumn]
    values: list[list[Json]]
    is_partial: bool = False
    took: int | None = None
    documents_found: int | None = None


class EsqlAsync(_Answer, frozen=True):
    """POST /_query/async and GET /_query/async/{id}: without `is_running` it is the whole result."""

    columns: list[_EsqlColumn] = []
    values: list[list[Json]] = []
    is_running: bool = False
    is_partial: bool = False
    id: str | None = None
    took: int | None = None
    documents_found: int | None = None


class _IndexSettings(_Answer, frozen=True):
    creation_date: str


class _SettingsOfIndex(_Answer, frozen=True):
    index: _IndexSettings


class IndexSettings(_Answer, frozen=True):
    """An index in GET /<pattern>/_settings/index.creation_date."""

    settings: _SettingsOfIndex


class _Visibility(_Answer, frozen=True):
    hidden: str = "false"


class _VisibilityOfIndex(_Answer, frozen=True):
    index: _Visibility


class IndexVisibility(_Answer, frozen=True):
    """An index in GET /<name>/_settings/index.hidden,index.uuid (the second, so that there is one setting at least)."""

    settings: _VisibilityOfIndex


class _FieldOfType(_Answer, frozen=True):
    indices: list[str] | None = None


class FieldCapsTold(_Answer, frozen=True):
    """GET /<pattern>/_field_caps: by field, then by type."""

    indices: list[str] | str
    fields: dict[str, dict[str, _FieldOfType]]


class BulkOutcome(_Answer, frozen=True):
    """What became of one document of a bulk."""

    status: int
    error: dict[str, Json] | None = None
    document_id: str = msgspec.field(name="_id", default="")


class BulkResult(_Answer, frozen=True):
    """POST /_bulk: one entry a document, under the name of what was done."""

    items: list[dict[str, BulkOutcome]]


class FoundDocument(_Answer, frozen=True):
    """GET /<index>/_doc/<id>."""

    source: dict[str, Json] = msgspec.field(name="_source")
    seq_no: int = msgspec.field(name="_seq_no")
    primary_term: int = msgspec.field(name="_primary_term")


class WrittenDocument(_Answer, frozen=True):
    """PUT /<index>/_doc/<id>."""

    seq_no: int = msgspec.field(name="_seq_no")
    primary_term: int = msgspec.field(name="_primary_term")


class Acknowledged(_Answer, frozen=True):
    """What was done to an index."""

    acknowledged: bool


class _Hit(_Answer, frozen=True):
    source: dict[str, Json] = msgspec.field(name="_source")
    document_id: str = msgspec.field(name="_id", default="")
    sort: list[Json] | None = None


class _Hits(_Answer, frozen=True):
    hits: list[_Hit]


class SearchResult(_Answer, frozen=True):
    """POST /<index>/_search."""

    hits: _Hits


class _WrittenHit(_Answer, frozen=True):
    source: msgspec.Raw = msgspec.field(name="_source")
    document_id: str = msgspec.field(name="_id", default="")
    sort: list[Json] | None = None


class _WrittenHits(_Answer, frozen=True):
    hits: list[_WrittenHit]


class WrittenSearchResult(_Answer, frozen=True):
    """POST /<index>/_search, each document as it was written; read by `decode_text`."""

    hits: _WrittenHits


class DeletedDocument(_Answer, frozen=True):
    """DELETE /<index>/_doc/<id>."""

    result: str


class _MissingObject(_Answer, frozen=True):
    id: str


class _MissingObjects(_Answer, frozen=True):
    objects: tuple[_MissingObject, ...] = ()


class Nothing(_Answer, frozen=True, forbid_unknown_fields=True):
    """DELETE of a saved object: {}."""


def decode[T](answer: "Answer", into: type[T], diagnosis: "Diagnosis") -> T:
    """The answer as the type that its endpoint has. Raises Unreachable, of a write AnswerLost, for anything else."""
    return _decoded(answer, into, diagnosis, lambda: typed(_parsed(answer.body), into))


def decode_text[T](answer: "Answer", into: type[T], diagnosis: "Diagnosis") -> T:
    """The same for a type of which a part is left as it is written (`msgspec.Raw`): nobody looks at what is in it."""
    return _decoded(answer, into, diagnosis, lambda: _read(answer.body, into))


def _decoded[T](answer: "Answer", into: type[T], diagnosis: "Diagnosis", read: Callable[[], T]) -> T:
    expected = _expected(into)
    if not answer.whole or (answer.content_type and "json" not in answer.content_type):
        raise diagnosis.unexpected(answer, expected)
    try:
        return read()
    except msgspec.ValidationError as error:
        raise diagnosis.unexpected(answer, expected, complaint(error)) from None
    except (ValueError, RecursionError):
        raise diagnosis.unexpected(answer, expected) from None


def decode_lines[T](answer: "Answer", into: type[T], diagnosis: "Diagnosis") -> list[T]:
    """The lines of an export, each as the type that it has."""
    expected = f"lines of {_expected(into)}"
    if not answer.body or not answer.whole or (answer.content_type and "json" not in answer.content_type):
        raise diagnosis.unexpected(answer, expected)
    try:
        return [typed(_parsed(line), into) for line in answer.body.splitlines() if line.strip()]
    except msgspec.ValidationError as error:
        raise diagnosis.unexpected(answer, expected, complaint(error)) from None
    except (ValueError, RecursionError):
        raise diagnosis.unexpected(answer, expected) from None


def typed[T](value: object, into: type[T]) -> T:
    """A JSON value as a type. Raises msgspec.ValidationError where it is none."""
    return msgspec.convert(value, worked_out(into), dec_hook=_whole_body)


def missing_objects(attributes: object) -> set[str]:
    """The ids of the saved objects that a refused export names as missing, by the attributes of the refusal."""
    try:
        return {one.id for one in typed(attributes, _MissingObjects).objects}
    except msgspec.ValidationError:
        return set()


def complaint(error: msgspec.ValidationError) -> str:
    """What a value lacks, and where."""
    text = str(error)
    place = _PLACE.search(text)
    said = _PLACE.sub("", text).replace("`", "")
    said = f"{said[:1].lower()}{said[1:]}".replace("missing required field", "lacking")
    return f"{said} at {place[1]}" if place and place[1] else said


def _whole_body(kind: type, value: Json) -> object:
    """A body of which all keys stay, once those that we read have been decoded."""
    if kind not in _READ:
        raise NotImplementedError(kind)
    return kind(msgspec.convert(value, worked_out(_READ[kind])), value)


def _parsed(body: bytes) -> Json:
    value: Json
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError:
        value = msgspec.json.decode(_of_whole_characters(body))
    return value


def _read[T](body: bytes, into: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=worked_out(into))
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return msgspec.json.decode(_of_whole_characters(body), type=worked_out(into))


def _of_whole_characters(body: bytes) -> bytes:
    """A lone surrogate in somebody's rule is JSON to Kibana; here it becomes a question mark."""
    return json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "replace")


def _expected(into: object) -> str:
    """A type in words, by the fields that it must have."""
    if getattr(into, "__origin__", None) is list:
        return "a JSON list"
    if isinstance(into, type) and into in _READ:
        names = sorted(getattr(_READ[into], "__required_keys__", ()))
    elif isinstance(into, type) and issubclass(into, msgspec.Struct):
        names = [one.encode_name for one in msgspec.structs.fields(into) if one.required]
    else:
        names = []
    return f"JSON with {', '.join(names)}" if names else "a JSON object"
