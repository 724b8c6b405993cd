"""Hunts as their authors wrote them: the noun, its formats, its settings, its tests, the smallest edit back."""

from entra_deployer.hunts.fields import Format, late

FORMATS: dict[str, Format] = {".md": late("markdown", ".markdown", ".mdown", ".md.txt"), ".toml": late("toml", ".tml")}
"""The formats by the suffix of the file, `hunt.md`: each is a module here, loaded where a hunt in it is read anew."""
