"""Hunts as their authors wrote them: the noun, its formats, its settings, its tests, the smallest edit back."""

from entra_deployer.hunts import markdown, toml
from entra_deployer.hunts.fields import Format

FORMATS: dict[str, Format] = {".md": markdown.FORMAT, ".toml": toml.FORMAT}
"""The formats by the suffix of the file, `hunt.md`."""
