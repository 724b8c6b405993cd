"""What differs from one Elastic Stack to the next, by version, license or limit: one row each, with its source.

Support for the next Kibana or Elasticsearch begins here. No version stands as a literal anywhere else in the package
(`local/`, which plays several Kibanas, has profiles of its own); a test holds that, and one looks at each row. `ROWS`
holds all that have a first version.
"""

from collections.abc import Mapping

from msgspec import Struct

from entra_deployer.core.target import StackVersion

_OBSERVED = "recorded answers of a real Kibana 8.12.2"
_SCHEMAS = "Kibana's rule schemas of 8.12 to 9.x"
_SOURCE_CODE = "Kibana's source code of 8.12 to 9.4"
_HISTORY = "Elastic's version history of ES|QL and the applies_to marks of its reference"


class Since(Struct, frozen=True):
    """Something that a stack has from a version on.

    `eight` is the first version of the 8 line that has it (None: none of them has), `nine` the first of the 9 line
    (None: not known). Versions of both lines are released in pairs, so that 9.0 lacks what came with 8.19.
    """

    about: str
    source: str
    eight: StackVersion | None
    nine: StackVersion | None

    def known(self, version: StackVersion) -> bool | None:
        """Whether a version has it; None where nobody knows."""
        if version < _NINE:
            return self.eight is not None and version >= self.eight
        return None if self.nine is None else version >= self.nine

    def holds(self, version: StackVersion) -> bool:
        """Whether a version is known to have it."""
        return bool(self.known(version))

    @property
    def is_from_the_start(self) -> bool:
        """Whether every version that is known has it."""
        return self.eight is not None and self.eight < OLDEST

    @property
    def first(self) -> str:
        """The first versions that have it, in words: "8.15", "8.19 and 9.1", "9.2"."""
        said = [f"{one.major}.{one.minor}" for one in (self.eight, self.nine) if one]
        if self.eight and self.nine == _NINE and self.eight < _PAIRED:
            return said[0]
        return " and ".join(said) or "some 9.x"


_NINE = StackVersion(9, 0)
_PAIRED = StackVersion(8, 18)
"""9.0 came out with 8.18: what an older 8 has, every 9 has."""


def _since(about: str, source: str, eight: int | None, nine: int | None = 0) -> Since:
    first = StackVersion(8, eight) if eight is not None else None
    return Since(about, source, first, StackVersion(9, nine) if nine is not None else None)


# -- the stacks that are known ----------------------------------------------------------------------------------------

OLDEST = StackVersion(8, 12)
"""The oldest stack that is spoken to: the first with rules in ES|QL that was seen to answer. Source: a real 8.12.2."""

NEWEST_MAJOR = 9
"""The newest line that is known. Source: the releases up to 9.5."""

NEWER_THAN_ALL = StackVersion(99, 0)
"""Newer than any: the offline parser then reads with its newest grammar. Source: it is made up."""

OFFLINE = StackVersion(8, 19, 21)
"""What hunts are compiled for where no environment is named: the embedded Elasticsearch's own version."""

# -- how Kibana's executor reads a query ------------------------------------------------------------------------------

FROM_ON_TREE = _since(
    "the index is not searched for in the text", f"{_OBSERVED}: 8.12 takes the last `from <word>`", 13
)
PLAIN_METADATA = _since("METADATA without brackets", f"{_OBSERVED}; {_SOURCE_CODE}", 13)
STATS_ON_TREE = _since("STATS is found on the tree", f"{_OBSERVED}; {_SOURCE_CODE}", None)
ROWS_TOLD_APART = _since(
    "the rows that MV_EXPAND makes of one document", f"{_OBSERVED}: 8.12 keeps one alert; elastic/kibana#212675", 19, 1
)
METADATA_ADDED = _since("METADATA _id is added by Kibana itself", _SOURCE_CODE, None, 4)

# -- what rules can hold ----------------------------------------------------------------------------------------------

SETUP_WRITTEN = _since("create and update keep `setup`", f"{_OBSERVED} and {_SCHEMAS}", 14)
LISTS_WRITTEN = _since("create and update keep related_integrations, required_fields", f"{_OBSERVED}, {_SCHEMAS}", 15)
SUPPRESSION = _since("alert_suppression of ES|QL rules", _SCHEMAS, 15)
RESPONSE_ACTIONS = _since("response_actions of ES|QL rules", _SCHEMAS, 16)

ATTACK_19 = _since("rules carry ATT&CK 19, before that 18", "elastic/detection-rules: CLI.md and config.py", None, 5)

# -- Elasticsearch and ES|QL ------------------------------------------------------------------------------------------

PARTIAL_RESULTS = _since("the parameter allow_partial_results of a query", "Elasticsearch's API specification", 19, 1)
ASYNC_QUERY = _since("the asynchronous query API", _HISTORY, 13)
MV_CONTAINS = _since("the function MV_CONTAINS", _HISTORY, None, 2)
MATCH_GENERAL = _since("the match operator `:` is generally available", _HISTORY, 19, 1)
CAST = _since("the operator ::", _HISTORY, 15)
FILTERED_AGGREGATE = _since("WHERE in an aggregation", _HISTORY, 16)
MATCH = _since("the operator :", _HISTORY, 17)
SCORE = _since("METADATA _score", _HISTORY, 18)
LIKE_LIST = _since("a list of patterns", _HISTORY, 19, 1)
KQL_LISTS = _since(
    "several values of a field in KQL(...)",
    "elastic/elasticsearch#133737 and its backport; 8.19.21 refuses them",
    None,
    1,
)
SUBQUERIES = _since("FROM (FROM …)", "it is in the grammar; since when is not told", None, None)

OLDEST_GRAMMAR = StackVersion(8, 19)
"""The oldest grammar that Elastic's offline parser has; older queries are read by it. Source: the package itself."""

FUNCTIONS_PARSED = StackVersion(9, 5)
"""The first version of which that parser knows the functions too, not the grammar alone. Source: the package itself."""

_FIRST_COMMANDS = "from where eval stats sort limit keep drop rename dissect grok enrich mv_expand show row"
_LATER_COMMANDS: Mapping[tuple[int | None, int | None], str] = {
    (18, 0): "lookup",
    (19, 1): "change_point sample",
    (None, 1): "fork",
    (None, 2): "inline inlinestats completion fuse rerank ts",
    (None, 3): "set",
    (None, 4): "promql",
}
_FIRST_FUNCTIONS = (
    "abs acos asin atan atan2 avg case ceil cidr_match coalesce concat cos cosh count count_distinct date_extract "
    "date_format date_parse date_trunc e ends_with floor greatest least left length log10 ltrim max median "
    "median_absolute_deviation min mv_avg mv_concat mv_count mv_dedupe mv_max mv_median mv_min mv_sum now percentile "
    "pi pow replace right round rtrim sin sinh split sqrt starts_with substring sum tan tanh tau to_bool to_boolean "
    "to_datetime to_dt to_dbl to_degrees to_double to_int to_integer to_ip to_long to_radians to_str to_string "
    "to_unsigned_long to_ul to_ulong to_ver to_version trim"
)
_LATER_FUNCTIONS: Mapping[tuple[int | None, int | None], str] = {
    (13, 0): "date_diff log mv_first mv_last to_lower to_upper",
    (14, 0): "bucket ip_prefix locate mv_slice mv_sort mv_zip st_contains st_disjoint st_intersects st_within st_x "
    "st_y values",
    (15, 0): "cbrt exp from_base64 mv_append repeat st_distance to_base64 top",
    (16, 0): "hypot mv_percentile mv_pseries_weighted_sum reverse space weighted_avg",
    (17, 0): "bit_length byte_length match qstr",
    (18, 0): "categorize hash kql md5 sha1 sha256 st_envelope st_extent_agg std_dev",
    (19, 1): "match_phrase round_to sample to_date_nanos",
    (None, 2): "absent avg_over_time contains count_over_time count_distinct_over_time delta first_over_time idelta "
    "increase irate last_over_time max_over_time min_over_time mv_contains present present_over_time rate "
    "sum_over_time tbucket absent_over_time",
    (None, 3): "first last clamp clamp_max clamp_min deriv percentile_over_time stddev_over_time trange "
    "variance_over_time",
    (None, 4): "json_extract",
    (None, 5): "field_extract",
    (None, None): "acosh asinh atanh chunk copy_sign day_name decay earliest embedding knn latest month_name "
    "mv_difference mv_intersection mv_intersects mv_union network_direction score sparkline text_embedding "
    "to_dense_vector to_text top_snippets url_decode url_encode url_encode_component v_cosine v_dot_product v_hamming "
    "v_l1_norm v_l2_norm v_magnitude variance",
}


def _named(kind: str, first: str, later: Mapping[tuple[int | None, int | None], str]) -> dict[str, Since]:
    """Commands or functions by name. What is not listed is not known, and is said to be so."""
    by_version = {(11, 0): first, **later}
    return {
        name: _since(f"the {kind} {name.upper()}", _HISTORY, *versions)
        for versions, names in by_version.items()
        for name in names.split()
    }


FUNCTIONS: Mapping[str, Since] = _named("function", _FIRST_FUNCTIONS, _LATER_FUNCTIONS)
COMMANDS: Mapping[str, Since] = _named("command", _FIRST_COMMANDS, _LATER_COMMANDS)
"""Commands by their first word. The functions of 8.19 were asked of a real 8.19.21 as well."""

# -- licenses ---------------------------------------------------------------------------------------------------------

LICENSES = ("basic", "standard", "gold", "platinum", "enterprise", "trial")
"""Elastic's words for its licenses, each with what the one before it has. Source: Elastic's subscriptions page."""

SUPPRESSING_LICENSES = frozenset({"platinum", "enterprise", "trial"})
"""Those under which alerts can be suppressed. Source: Elastic's subscriptions page; Kibana's license checks."""

# -- limits -----------------------------------------------------------------------------------------------------------

MOST_SIGNALS = 1000
"""Alerts of one run: with a higher max_signals an ES|QL rule writes none, and says nothing. Source: a real 8.12.2."""

DEFAULT_ROWS = 1000
"""Rows of a query without LIMIT. Source: Elasticsearch's reference, and the warning that 8.19.21 sends."""

MOST_ROWS = 10_000
"""Rows of a query with any LIMIT. Source: Elasticsearch's reference."""

PREVIEWS_AT_ONCE = 10
"""Rule previews that one Kibana node runs side by side; more is 429. Source: Kibana's source code of 8.12."""

IDS_OF_A_BULK_ACTION = 100
"""Rules that one bulk action takes by id; more is 400. Source: a real 8.12.2."""

RESULT_WINDOW = 10_000
"""Documents, rules or objects that pages reach: page times size. Source: a real 8.12.2, Elasticsearch's default."""

MIGRATED_FROM = "8.0.0"
"""The version that a search in an import claims to be of. Without one, 8.12 takes its data view for one of old and
refuses it; a newer one makes an older server refuse the whole file. Source: a real 8.12.2."""

# -- privileges -------------------------------------------------------------------------------------------------------


class KibanaFeature(Struct, frozen=True):
    """A feature of Kibana that is needed. Each row of `names`: since which version, and the privileges that grant it.

    A row's privileges belong together in a role; any one of all the rows up to a version that is held is enough, for an
    older id keeps granting.
    """

    about: str
    names: tuple[tuple[StackVersion, tuple[str, ...]], ...]
    source: str = "the feature registrations of Kibana 8.12 to 9.4"

    def granting(self, version: StackVersion) -> tuple[str, ...]:
        """All privileges that grant it in a version, the newest first."""
        rows = [privileges for since, privileges in self.names if since <= version]
        return tuple(name for privileges in reversed(rows) for name in privileges if name.endswith(".all"))

    def for_role(self, version: StackVersion) -> tuple[str, ...]:
        """What a new role of that version should hold. Ids that one minor version lacks grant nothing there."""
        return [privileges for since, privileges in self.names if since <= version][-1]


_SECOND_IDS = StackVersion(8, 18)
"""From here on the features of security and of Discover have ids of a second generation."""

RULES_FEATURE = KibanaFeature(
    "detection rules",
    (
        (OLDEST, ("feature_siem.all",)),
        (_SECOND_IDS, ("feature_siemV2.all",)),
        (StackVersion(9, 1), ("feature_siemV3.all",)),
        (StackVersion(9, 2), ("feature_siemV4.all",)),
        (StackVersion(9, 3), ("feature_siemV5.read", "feature_securitySolutionRulesV1.all")),
        (
            StackVersion(9, 4),
            (
                "feature_siemV5.read",
                "feature_securitySolutionRulesV2.all",
                "feature_securitySolutionRulesV3.all",
                "feature_securitySolutionRulesV4.all",
            ),
        ),
    ),
)
SEARCHES_FEATURE = KibanaFeature(
    "saved searches", ((OLDEST, ("feature_discover.all",)), (_SECOND_IDS, ("feature_discover_v2.all",)))
)
TAGS_FEATURE = KibanaFeature("tags", ((OLDEST, ("feature_savedObjectsTagging.all",)),))
FEATURES = (RULES_FEATURE, SEARCHES_FEATURE, TAGS_FEATURE)

ROWS = tuple(value for value in dict(globals()).values() if isinstance(value, Since))
"""Every row with a first version of its own; functions and commands are in FUNCTIONS and COMMANDS."""
