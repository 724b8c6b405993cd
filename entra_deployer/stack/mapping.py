"""The mapping of a test index: what the integration, ECS and the query say about each field."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from entra_deployer.core.json import Json
from entra_deployer.data import load_knowledge

FAMILIES = {
    "constant_keyword": "keyword",
    "wildcard": "keyword",
    "match_only_text": "text",
    "scaled_float": "double",
    "unsigned_long": "long",
    "geo_shape": "keyword",
}
"""Types that the embedded Elasticsearch lacks, and the type that behaves like them in ES|QL."""

OPAQUE = frozenset({"flattened", "nested"})
"""Types whose inner fields are not fields of their own."""

SETTINGS = {
    "index.hidden": True,
    "index.number_of_shards": 1,
    "index.number_of_replicas": 0,
    "index.mapping.total_fields.limit": 10000,
}
"""A hidden index: no wildcard of a rule, not even `*`, reaches it."""

type FieldMapping = Mapping[str, Json]
"""What an index mapping says of one field: {"type": "ip"}."""

LOOKUP_SETTINGS: Mapping[str, Json] = {"index.mode": "lookup", "index.hidden": True, "index.number_of_replicas": 0}
"""An index that a LOOKUP JOIN can read."""


def known_types(stream: str) -> Mapping[str, str]:
    """Field types of a data stream, or of several with commas between: ECS, overlaid by what integrations say."""
    knowledge = load_knowledge()
    return knowledge.field_types([one.strip() for one in stream.split(",")]) or knowledge.ecs


SUB_FIELDS: Mapping[str, Json] = {
    "caseless": {"type": "keyword", "ignore_above": 1024, "normalizer": "lowercase"},
    "keyword": {"type": "keyword", "ignore_above": 1024},
    "text": {"type": "text"},
}
"""Fields that Elasticsearch makes of another one's value, by the last part of their names, as Elastic maps them."""

_LENIENT = {"date", "date_nanos", "double", "geo_point", "geo_shape", "integer", "ip", "long", "unsigned_long"}
"""Types that can leave out a value that does not fit them."""

_SIMPLE = _LENIENT | {"boolean", "keyword", "text", "version"}
"""Types that need nothing but their name in a mapping."""


def _sub_fields(stream: str, names: Iterable[str]) -> dict[str, str]:
    """Of the names those of fields that are made of another one's value, with that one."""
    known, names = known_types(stream), set(names)
    found = {}
    for name in names:
        whole, _, last = name.rpartition(".")
        if last in SUB_FIELDS and (whole in names or known.get(whole, "object") != "object"):
            found[name] = whole
    return found


def as_shipped(stream: str, documents: Iterable[Mapping[str, Json]], fields: Iterable[str]) -> list[dict[str, Json]]:
    """The documents as a source ships them: `process.name.caseless` is what Elasticsearch makes of `process.name`."""
    documents = list(documents)
    made = _sub_fields(stream, {*fields, *(name for document in documents for name in document)})
    shipped = []
    for document in documents:
        whole = {made[name]: value for name, value in document.items() if name in made}
        shipped.append({**whole, **{name: value for name, value in document.items() if name not in made}})
    return shipped


def stand_ins(stream: str, patterns: Iterable[str], names: Iterable[str]) -> dict[str, str]:
    """A field, with its type, for each pattern such as `source.geo.*` that none of the names matches.

    A source has such fields, so that its mapping has them, though no event of a test need hold one: KEEP and DROP are
    refused where nothing matches. It is a field that the stream is known to have, else one called after the pattern.
    """
    taken, known = set(names), known_types(stream)
    found: dict[str, str] = {}
    for pattern in patterns:
        if any(fnmatchcase(name, pattern) for name in (*taken, *found)):
            continue
        own = (name for name in sorted(known) if known[name] in _SIMPLE and fnmatchcase(name, pattern))
        name = next((one for one in own if not _overlaps(one, taken)), pattern.replace("*", "any"))
        found[name] = known.get(name, "keyword")
    return found


def _overlaps(name: str, names: Iterable[str]) -> bool:
    """Whether a field is a group of one of the others, or a part of one."""
    return any(one.startswith(f"{name}.") or name.startswith(f"{one}.") for one in names)


def field_mappings(
    stream: str,
    documents: Iterable[Mapping[str, Json]],
    fields: Mapping[str, str],
    mapped: Mapping[str, str],
    *,
    embedded: bool,
) -> dict[str, FieldMapping]:
    """A mapping for every field of the (dotted) documents and for the `fields` that queries read, with their types.

    A field has the type that the environment's own source gives to it (`mapped`), else that of the integration or of
    ECS, else the one that its query demands ("" where it does not), else that of its values. A value that does not fit
    the source's type is left out, as the source may do; one that does not fit another type is refused. On the embedded
    server a type that it lacks gives way to its family; a constant_keyword does so everywhere, since one test index
    holds events of several data sets.
    """
    known = {**{name: kind for name, kind in fields.items() if kind}, **known_types(stream)}
    other = {name: kind for name, kind in mapped.items() if kind in _SIMPLE and kind != known.get(name)}
    known |= other
    seen: dict[str, Json] = {}
    for document in documents:
        for name, value in document.items():
            if seen.get(name) is None:
                seen[name] = value
    made = _sub_fields(stream, {*seen, *fields})
    types = {"@timestamp": "date"}
    names = sorted({*seen, *fields, *made.values()} - made.keys())
    opened = _opened(names, known)
    for name in names:
        field = _owner(name, known, opened)
        kind = known.get(field) or _kind(seen.get(name))
        group = any(other.startswith(f"{field}.") for other in seen)
        if field not in opened and (kind in OPAQUE or (kind != "object" and not group)):
            types[field] = _available(kind, embedded=embedded)
    return {
        name: {**_property(kind, lenient=name in other), **_made_of(name, made)} for name, kind in sorted(types.items())
    }


def index_mapping(properties: Mapping[str, FieldMapping]) -> Mapping[str, Json]:
    """The mapping of an index with these fields; texts that are not among them become keywords."""
    texts: Json = {"match_mapping_type": "string", "mapping": {"type": "keyword", "ignore_above": 1024}}
    return {"date_detection": False, "dynamic_templates": [{"texts": texts}], "properties": properties}


def lookup_mapping(
    stream: str,
    rows: Sequence[Mapping[str, Json]],
    keys: Mapping[str, str],
    fields: Mapping[str, str],
    *,
    embedded: bool,
) -> Mapping[str, Json]:
    """The mapping of an index of lookup rows: the fields of the rows alone, since each hides the event's own.

    `keys` are the types of the columns that it is joined on, `fields` those that the query demands of any field.
    """
    names = {*keys, *(name for row in rows for name in row)}
    demanded = {name: fields.get(name, "") for name in names}
    mapped = field_mappings(stream, rows, demanded, {}, embedded=embedded)
    own = {name: mapping for name, mapping in mapped.items() if name in names}
    joined = {name: {"type": "keyword" if kind == "text" else kind} for name, kind in keys.items() if kind in _SIMPLE}
    return index_mapping({**own, **joined})


def _made_of(name: str, made: Mapping[str, str]) -> FieldMapping:
    """The part of a mapping that says which fields are made of this one's value."""
    parts = sorted(part.removeprefix(f"{name}.") for part, whole in made.items() if whole == name)
    return {"fields": {part: SUB_FIELDS[part] for part in parts}} if parts else {}


def _opened(names: Iterable[str], known: Mapping[str, str]) -> set[str]:
    """The opaque fields of which a part is used that the source maps by itself: such a one is a group of fields."""
    return {front for name in names if known.get(name, "object") != "object" for front in _opaque_fronts(name, known)}


def _owner(name: str, known: Mapping[str, str], opened: Container[str]) -> str:
    """The field that is mapped for `name`: itself, or the opaque field that it is a part of."""
    return next((front for front in _opaque_fronts(name, known) if front not in opened), name)


def _opaque_fronts(name: str, known: Mapping[str, str]) -> Iterator[str]:
    """The opaque fields that a name is a part of."""
    parts = name.split(".")
    fronts = (".".join(parts[:length]) for length in range(1, len(parts)))
    return (front for front in fronts if known.get(front) in OPAQUE)


def _kind(value: Json) -> str:
    """What a value would be mapped as; a keyword where there is none."""
    if isinstance(value, list):
        return _kind(value[0]) if value else "keyword"
    if isinstance(value, Mapping):
        return "object"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "long"
    return "double" if isinstance(value, float) else "keyword"


def _available(kind: str, *, embedded: bool) -> str:
    if kind == "constant_keyword" or embedded:
        return FAMILIES.get(kind, kind)
    return kind


def _property(kind: str, *, lenient: bool) -> FieldMapping:
    if lenient and kind in _LENIENT:
        return {"type": kind, "ignore_malformed": True}
    if kind == "keyword":
        return {"type": kind, "ignore_above": 1024}
    return {"type": kind, "scaling_factor": 1000} if kind == "scaled_float" else {"type": kind}
