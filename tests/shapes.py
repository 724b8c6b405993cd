"""Small hunts of our own, one for each shape that hunts come in, as TOML and as Markdown (tests/data/shapes)."""

from pathlib import Path

FOLDER = Path(__file__).parent / "data" / "shapes"
TOML = sorted(FOLDER.glob("*.toml"))
MARKDOWN = [path.with_suffix(".md") for path in TOML]
REFUSED = {
    "refused_escape": (18, 24),
    "refused_no_aggregate": (20, 14),
    "refused_open_or": (21, 3),
    "refused_single_equals": (18, 57),
}
"""Hunts whose query does not parse: line and column of the fault in the TOML file."""
TOO_NEW = {"roles_read_from_json"}
"""Hunts with a function that Elasticsearch 8.19 does not have."""
