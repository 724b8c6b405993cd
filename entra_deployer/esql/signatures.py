"""What functions take and give, by families of types; asked of a real Elasticsearch 8.19.21 (tests/integration).

Families: string (keyword, text), number (integer, long, double, unsigned_long), date (date, date_nanos), ip, version,
boolean, span (a time span), other (geo_point, ...). `any` takes all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

FAMILIES: Mapping[str, str] = {
    **dict.fromkeys(("keyword", "text", "constant_keyword", "wildcard", "match_only_text", "semantic_text"), "string"),
    **dict.fromkeys(("long", "integer", "short", "byte", "unsigned_long", "double", "float", "half_float"), "number"),
    **dict.fromkeys(("scaled_float", "number", "int", "counter_long", "counter_double", "counter_integer"), "number"),
    **dict.fromkeys(("date", "date_nanos", "datetime"), "date"),
    **dict.fromkeys(("ip", "version", "boolean", "null"), ""),
    **dict.fromkeys(("date_period", "time_duration"), "span"),
    **dict.fromkeys(("geo_point", "geo_shape", "cartesian_point", "cartesian_shape", "point", "shape"), "other"),
    "string": "string",
    "bool": "boolean",
}


def family(type_name: str) -> str | None:
    """The family of an Elasticsearch type; None for one that ES|QL does not read, or that is not known."""
    found = FAMILIES.get(type_name)
    return type_name if found == "" else found


@dataclass(frozen=True)
class Signature:
    """The families of the arguments (the last one repeats where `repeats`), how many are needed, and what comes out.

    `gives` is a family, or `=` for that of the first argument.
    """

    takes: tuple[frozenset[str], ...]
    gives: str
    least: int
    repeats: bool = False

    def at(self, position: int) -> frozenset[str] | None:
        """The families of an argument; None where there is none."""
        if position < len(self.takes):
            return self.takes[position]
        return self.takes[-1] if self.repeats else None


_ANY = frozenset({"string", "number", "date", "ip", "version", "boolean", "other", "span"})
_WORDS = {
    "s": frozenset({"string"}),
    "n": frozenset({"number"}),
    "d": frozenset({"date"}),
    "i": frozenset({"ip"}),
    "b": frozenset({"boolean"}),
    "t": frozenset({"span"}),
    "v": frozenset({"version"}),
    "*": _ANY - {"span"},
    "o": frozenset({"string", "number", "date", "ip", "version", "boolean"}),
    "T": frozenset({"string", "number", "boolean"}),
    "I": frozenset({"string", "ip"}),
    "V": frozenset({"string", "version"}),
    "P": frozenset({"string", "number", "date", "ip", "boolean"}),
    "N": frozenset({"string", "number", "date", "boolean"}),
    "D": frozenset({"string", "number", "date"}),
    "B": frozenset({"number", "date"}),
    "W": frozenset({"number", "span"}),
}


def _signature(text: str) -> Signature:
    """`ss?+>s`: letters as above; what stands behind `?` may be left out, a `+` repeats the last one."""
    taken, _, gives = text.partition(">")
    needed, _, optional = taken.partition("?")
    letters = (needed + optional).replace("+", "")
    repeats = "+" in taken
    return Signature(tuple(_WORDS[letter] for letter in letters), gives, len(needed.replace("+", "")), repeats)


_TABLE = {
    "abs ceil floor round signum": "n?n>=",
    "acos asin atan cbrt cos cosh exp log10 sin sinh sqrt tan tanh to_degrees to_radians": "n>number",
    "atan2 hypot pow": "nn>number",
    "log": "n?n>number",
    "e pi tau": ">number",
    "now": ">date",
    "case": "b*?*+>case",
    "coalesce": "*?*+>=",
    "greatest least": "o?o+>=",
    "cidr_match": "is?s+>boolean",
    "ip_prefix": "inn>ip",
    "concat": "ss?s+>string",
    "ends_with starts_with contains": "ss>boolean",
    "left right repeat": "sn>string",
    "length bit_length byte_length": "s>number",
    "locate": "ss?n>number",
    "ltrim rtrim trim reverse to_lower to_upper md5 sha1 sha256 to_base64 from_base64": "s>string",
    "space": "n>string",
    "hash": "ss>string",
    "replace": "sss>string",
    "split": "ss>string",
    "substring": "sn?n>string",
    "date_diff": "sdd>number",
    "date_extract": "sd>number",
    "date_format": "D?d>string",
    "date_parse": "s?s>date",
    "date_trunc": "td>date",
    "bucket": "BW?DD>=",
    "categorize": "s>string",
    "to_boolean to_bool": "T>boolean",
    "to_datetime to_dt": "D>date",
    "to_date_nanos": "D>date",
    "to_double to_dbl to_integer to_int to_long to_unsigned_long to_ul to_ulong": "N>number",
    "to_ip": "I>ip",
    "to_string to_str": "*>string",
    "to_version to_ver": "V>version",
    "mv_append": "**>=",
    "mv_avg mv_median mv_sum": "n>number",
    "mv_concat": "ss>string",
    "mv_count": "*>number",
    "mv_dedupe mv_first mv_last mv_max mv_min": "*>=",
    "mv_slice": "*n?n>=",
    "mv_sort": "o?s>=",
    "mv_zip": "ss?s>string",
    "mv_percentile": "nn>number",
    "kql qstr": "s>boolean",
    "count": "?*>number",
    "count_distinct": "o?n>number",
    "sum": "n>number",
    "avg median median_absolute_deviation std_dev": "n>number",
    "percentile": "nn>number",
    "weighted_avg": "nn>number",
    "max min": "o>=",
    "values": "o>=",
    "top": "Pns>=",
}
SIGNATURES: dict[str, Signature] = {name: _signature(text) for names, text in _TABLE.items() for name in names.split()}
"""The functions that detections use, by name. What is not here takes anything and gives nobody knows what."""

_COUNTING = (
    "avg count count_distinct max median median_absolute_deviation min percentile sum values top std_dev "
    "weighted_avg sample st_centroid_agg st_extent_agg first last absent present earliest latest variance"
)
AGGREGATES = frozenset(_COUNTING.split())
"""The functions that turn many rows into one value: only STATS has them."""

GROUPINGS = frozenset(("bucket", "categorize", "tbucket"))
"""The functions that only the BY of a STATS has."""
