"""Readers: files under `rules/` become hunts, settings and detection tests. Each reader takes a text and a name."""

from collections.abc import Callable

from entra_deployer.hunts.hunt import Hunt
from entra_deployer.hunts.markdown import read_markdown
from entra_deployer.hunts.toml import read_toml

type Reader = Callable[[str, str], Hunt]
"""(text of the file, the file's path for messages) -> Hunt; raises InputError."""

READERS: dict[str, Reader] = {".md": read_markdown, ".toml": read_toml}
"""The hunt formats by the suffix of the file."""
