"""The filters of saved objects and rules, as Query DSL."""

from collections.abc import Callable

from entra_deployer.core.json import Json
from entra_deployer.esql.kql import Asked, Denied, Joined, Kql, SyntaxProblem, parse_kql

__all__ = ["SyntaxProblem", "translate"]

_RANGES = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


def translate(text: str, field_of: Callable[[str], str]) -> Json:
    """The Query DSL of a filter; `field_of` gives the field of a key, or raises. Raises SyntaxProblem."""
    query = parse_kql(text, field_of)
    return {"match_all": {}} if query is None else _query(query)


def _query(query: Kql) -> Json:
    match query:
        case Denied(part=part):
            return {"bool": {"must_not": [_query(part)]}}
        case Joined(word=word, parts=parts):
            return {"bool": {"filter" if word == "and" else "should": [_query(part) for part in parts]}}
        case Asked(field=field, way=way, value=value) if way in _RANGES:
            return {"range": {field: {_RANGES[way]: value}}}
        case Asked(field=field, value=value, phrase=True):
            return {"match_phrase": {field: value}}
        case Asked(field=field, value="*"):
            return {"exists": {"field": field}}
        case Asked(field=field, value=value):
            return {"wildcard": {field: {"value": value}}} if "*" in value else {"match": {field: value}}
