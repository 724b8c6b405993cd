"""What Kibana's rules page exports and imports: a rule a line, and a last line that counts them."""

import json
from collections.abc import Iterator, Mapping, Sequence

from entra_deployer.core.errors import InputError, Location
from entra_deployer.core.json import DoesNotFit, Json, parse_json
from entra_deployer.exchange.foreign import Body, ForeignRule, foreign_rule

_COUNTS = "exported_count"


def read_export(text: str, source: str) -> Iterator[ForeignRule | InputError]:
    """The rules of an export, and what is wrong with a line, in their order: a fault of one line is its alone."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            body = _body(line, Location(source, number))
            if _COUNTS not in body:
                yield foreign_rule(body, f"{source}:{number}")
        except InputError as error:
            yield error


def _body(line: str, place: Location) -> Mapping[str, Json]:
    """The object of a line: a rule, or the last line's counts. Raises InputError for anything else."""
    try:
        body = parse_json(line)
    except DoesNotFit as error:
        raise InputError(f"is no JSON: {error.message}", location=place) from error
    if not isinstance(body, Mapping):
        raise InputError("is no JSON object", location=place)
    is_rule = "type" in body and "name" in body and "list_id" not in body and "attributes" not in body
    if not is_rule and _COUNTS not in body:
        raise InputError(_other(body), location=place, hint="import it in Kibana")
    return body


def _other(body: Mapping[str, Json]) -> str:
    if "list_id" in body:
        return f"is an exception list or an item of one: {str(body.get('name', ''))!r}"
    return "is a connector or another saved object" if "attributes" in body else "is no rule"


def write_export(payloads: Sequence[Body]) -> str:
    """Rules as Kibana's own import takes them, sorted by name."""
    counts: Body = {
        "exported_count": len(payloads),
        "exported_rules_count": len(payloads),
        "missing_rules": [],
        "missing_rules_count": 0,
    }
    lines = [*sorted(payloads, key=lambda one: str(one["name"])), counts]
    return "".join(f"{json.dumps(line, sort_keys=True)}\n" for line in lines)
