"""The floor of a cold check: Elastic's offline parser alone over the ES|QL queries of a project's hunts, one process.

Usage: parse.py PROJECT.
"""

import sys
import tomllib
from contextlib import suppress
from pathlib import Path

import esql

for file in sorted(Path(sys.argv[1]).glob("rules/*/hunt.toml")):
    for query in tomllib.loads(file.read_text("utf-8"))["hunt"]["query"]:
        with suppress(Exception):
            esql.parse_query(query.strip())
