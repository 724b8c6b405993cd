"""Which Kibana the local API speaks like: one table of facts for each version, each fact with where it comes from.

"Records" are recorded answers of a real Kibana 8.12.2; "API facts" were read in the code and the documents of the
versions from 8.12 to 9.x. What is not known for a version is left as it was in the version before it.
"""

from dataclasses import dataclass, field, replace
from typing import Final, Literal

type License = Literal["basic", "platinum"]

RECORDS: Final = "records of Kibana 8.12.2"
FACTS: Final = "API facts, 8.12 to 9.x"


@dataclass(frozen=True)
class Profile:
    """The facts of one version that the code asks for."""

    version: str = field(metadata={"source": "the version that /api/status names"})
    new_rule_enabled: bool = field(metadata={"source": f"{RECORDS}: 88; {FACTS}, 1: defaults when omitted"})
    put_enables: bool = field(metadata={"source": f"{RECORDS}: 379; {FACTS}, 2: 9.x PUT keeps what it finds"})
    crud_fields: tuple[str, ...] = field(metadata={"source": f"{RECORDS}: 89, 277, 313, 317; {FACTS}, 1"})
    import_merges: bool = field(metadata={"source": f"{RECORDS}: 1106; {FACTS}, 2: overwrite semantics differ"})
    rule_source: bool = field(metadata={"source": f"{FACTS}, 1: rule_source is not in 8.12"})
    index_by_pattern: bool = field(
        metadata={"source": f"{RECORDS}: 667, 669, 1827, 1831: the index list is cut by a regex"}
    )
    brackets_only: bool = field(metadata={"source": f"{RECORDS}: 667-671; {FACTS}, 4: without brackets since 8.13"})
    silent_over_1000: bool = field(
        metadata={"source": f"{RECORDS}: 1823; {FACTS}, 4: 8.12 runs only while size <= 1000"}
    )
    drops_null_columns: bool = field(metadata={"source": f"{FACTS}, 4: ?drop_null_columns=true since 8.15"})
    search_version: tuple[int, ...] = field(metadata={"source": f"{RECORDS}: 1003, 1004; {FACTS}, 5: model versions"})
    search_tabs: bool = field(metadata={"source": f"{FACTS}, 5: tabs with 9.2"})
    search_more: tuple[str, ...] = field(metadata={"source": f"{FACTS}, 5: attributes added by the model versions"})


V8_12: Final = Profile(
    version="8.12.2",
    new_rule_enabled=True,
    put_enables=True,
    crud_fields=(),
    import_merges=True,
    rule_source=False,
    index_by_pattern=True,
    brackets_only=True,
    silent_over_1000=True,
    drops_null_columns=False,
    search_version=(8, 0, 0),
    search_tabs=False,
    search_more=(),
)
V8_19: Final = replace(
    V8_12,
    version="8.19.21",
    put_enables=False,
    crud_fields=("alert_suppression", "response_actions", "setup", "related_integrations", "required_fields"),
    import_merges=False,
    rule_source=True,
    index_by_pattern=False,
    brackets_only=False,
    silent_over_1000=False,
    drops_null_columns=True,
    search_version=(10, 5, 0),
    search_more=("headerRowHeight", "visContext", "density"),
)
V9: Final = replace(
    V8_19,
    version="9.2.0",
    new_rule_enabled=False,
    search_version=(10, 7, 0),
    search_tabs=True,
    search_more=("headerRowHeight", "visContext", "density", "tabs"),
)
PROFILES: Final[dict[str, Profile]] = {"8.12": V8_12, "8.19": V8_19, "9.x": V9}
LICENSES: Final[tuple[License, ...]] = ("basic", "platinum")


def suppression_works(profile: Profile, license_type: str) -> bool:
    """Whether alert suppression has an effect: the rule keeps the field on any license (API facts, 1)."""
    return "alert_suppression" in profile.crud_fields and license_type == "platinum"
