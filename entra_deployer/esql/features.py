"""Since when the stack has what a query uses: our own table, for the versions that Elastic's parser does not tell.

Sources: Elastic's version history of ES|QL in its agent-skills repository (8.18 and 9.0, and 8.19 and 9.1, were
released in pairs), and the `applies_to` marks of the ES|QL reference; the functions of 8.19 were asked of a real
8.19.21 (tests/integration/test_compile_features.py asks again). What is not listed is not known, and is said to be so.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from entra_deployer.core.target import StackVersion
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.tree import Span, Tree

type Since = tuple[StackVersion | None, StackVersion | None]
"""The first version of the 8 line (None: none of it) and of the 9 line (None: not known)."""

_V8_11, _V9_0 = StackVersion(8, 11), StackVersion(9, 0)


def _since(eight: int | None, nine: int = 0) -> Since:
    return (StackVersion(8, eight) if eight is not None else None, StackVersion(9, nine))


_FIRST = (
    "abs acos asin atan atan2 avg case ceil cidr_match coalesce concat cos cosh count count_distinct date_extract "
    "date_format date_parse date_trunc e ends_with floor greatest least left length log10 ltrim max median "
    "median_absolute_deviation min mv_avg mv_concat mv_count mv_dedupe mv_max mv_median mv_min mv_sum now percentile "
    "pi pow replace right round rtrim sin sinh split sqrt starts_with substring sum tan tanh tau to_bool to_boolean "
    "to_datetime to_dt to_dbl to_degrees to_double to_int to_integer to_ip to_long to_radians to_str to_string "
    "to_unsigned_long to_ul to_ulong to_ver to_version trim"
)
_LATER = {
    (13, 0): "date_diff log mv_first mv_last to_lower to_upper",
    (
        14,
        0,
    ): "bucket ip_prefix locate mv_slice mv_sort mv_zip st_contains st_disjoint st_intersects st_within st_x st_y "
    "values",
    (15, 0): "cbrt exp from_base64 mv_append repeat st_distance to_base64 top",
    (16, 0): "hypot mv_percentile mv_pseries_weighted_sum reverse space weighted_avg",
    (17, 0): "bit_length byte_length match qstr",
    (18, 0): "categorize hash kql md5 sha1 sha256 st_envelope st_extent_agg std_dev",
    (19, 1): "match_phrase round_to sample to_date_nanos",
    (None, 2): "absent avg_over_time contains count_over_time count_distinct_over_time delta first_over_time idelta "
    "increase irate last_over_time max_over_time min_over_time mv_contains present present_over_time rate "
    "sum_over_time tbucket absent_over_time",
    (
        None,
        3,
    ): "first last clamp clamp_max clamp_min deriv percentile_over_time stddev_over_time trange variance_over_time",
    (None, 4): "json_extract",
    (None, 5): "field_extract",
}
_NOT_IN_8 = (
    "acosh asinh atanh chunk copy_sign day_name decay earliest embedding knn latest month_name mv_difference "
    "mv_intersection mv_intersects mv_union network_direction score sparkline text_embedding to_dense_vector to_text "
    "top_snippets url_decode url_encode url_encode_component v_cosine v_dot_product v_hamming v_l1_norm v_l2_norm "
    "v_magnitude variance"
)
FUNCTIONS: dict[str, Since] = {
    **dict.fromkeys(_NOT_IN_8.split(), (None, None)),
    **dict.fromkeys(_FIRST.split(), _since(11)),
    **{name: _since(*since) for since, names in _LATER.items() for name in names.split()},
}
"""Functions by the first versions that have them."""

_FIRST_COMMANDS = "from where eval stats sort limit keep drop rename dissect grok enrich mv_expand show row"
COMMANDS: dict[str, Since] = {
    **dict.fromkeys(_FIRST_COMMANDS.split(), _since(11)),
    "lookup": _since(18),
    "change_point": _since(19, 1),
    "fork": _since(None, 1),
    "sample": _since(19, 1),
    "inline": _since(None, 2),
    "inlinestats": _since(None, 2),
    "completion": _since(None, 2),
    "fuse": _since(None, 2),
    "rerank": _since(None, 2),
    "ts": _since(None, 2),
    "set": _since(None, 3),
    "promql": _since(None, 4),
}
"""Commands by their first word."""

SUBQUERIES: Since = (None, None)
"""`FROM (FROM ...)`."""
_CAST = _since(15)
_FILTERED_AGGREGATE = _since(16)
_MATCH_OPERATOR = _since(17)
_SCORE = _since(18)
_LIKE_LIST = _since(19, 1)


@dataclass(frozen=True)
class Feature:
    """Something in a query that not every version has. `since` is None where we do not know."""

    name: str
    span: Span
    since: Since | None

    def available(self, version: StackVersion) -> bool | None:
        """Whether a version has it; None where we do not know."""
        if self.since is None:
            return None
        eight, nine = self.since
        if version < _V9_0:
            return eight is not None and version >= eight
        return None if nine is None else version >= nine

    def first(self) -> str:
        """The first versions that have it, in words."""
        if self.since is None:
            return "unknown"
        eight, nine = self.since
        said = [f"{one.major}.{one.minor}" for one in (eight, nine) if one]
        if eight and nine == _V9_0 and eight < StackVersion(8, 18):
            return said[0]
        return " and ".join(said) or "some 9.x"


def features(tree: Tree) -> Iterator[Feature]:
    """What the query uses, in the order of the text; each only where it is not in every version since 8.11."""
    for node in tree.walk():
        feature = _feature(node, tree.text)
        if feature and feature.since != _since(11):
            yield feature


def _feature(node: nodes.Node, text: str) -> Feature | None:
    named: tuple[str, Since | None] | None = None
    match node:
        case nodes.Call(name=name):
            named = (f"the function {name.upper()}", FUNCTIONS.get(name))
        case nodes.Cast():
            named = ("the operator ::", _CAST)
        case nodes.Match():
            named = ("the operator :", _MATCH_OPERATOR)
        case nodes.Like(patterns=patterns) if len(patterns) > 1:
            named = ("a list of patterns", _LIKE_LIST)
        case nodes.Assignment(where=nodes.Expression()):
            named = ("WHERE in an aggregation", _FILTERED_AGGREGATE)
        case nodes.From(metadata=metadata) if any(name.name == "_score" for name in metadata):
            named = ("METADATA _score", _SCORE)
        case nodes.Command():
            word = node.span.of(text).split(None, 1)[0].lower()
            named = (f"the command {word.upper()}", COMMANDS.get(word))
    return Feature(named[0], node.span, named[1]) if named else None
