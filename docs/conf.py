"""The docs site and the man page: `make docs`. The page of commands is made of what `--help` says.

So is the page of an environment's file of what `deploy init` writes.
"""

from pathlib import Path

from entra_deployer.commands.manual import manual
from entra_deployer.project.init import environment_text

HERE = Path(__file__).parent
HERE.joinpath("commands.md").write_text(manual(), "utf-8")
SHOWN = f"```yaml\n{environment_text('staging')}```\n"
HERE.joinpath("environment-file.md").write_text(
    f"# The environment's file\n\n`deploy init staging` writes it.\n\n{SHOWN}", "utf-8"
)

project = "entra-deployer"
author = "the entra-deployer contributors"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "entra-deployer"
man_pages = [("commands", "deploy", "detections as code on Elastic", [author], 1)]
highlight_language = "none"
suppress_warnings = ["misc.highlighting_failure", "toc.not_included"]  # ES|QL has no lexer; no new page is no fault
