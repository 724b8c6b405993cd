"""What a shell offers where a name begins: environments, rules, codes, formats."""

from pathlib import Path

from entra_deployer.core.errors import DeployError


def environments(incomplete: str) -> list[str]:
    """The environments of the project that begin so."""
    from entra_deployer.core.files import find_root
    from entra_deployer.stack.environments import environments as named

    try:
        return [name for name in named(find_root(Path.cwd())) if name.startswith(incomplete)]
    except DeployError:
        return []


def hunts(incomplete: str) -> list[str]:
    """The folders of hunts that begin so."""
    from entra_deployer.core.files import RULES_FOLDER, find_root

    try:
        folders = (find_root(Path.cwd()) / RULES_FOLDER).iterdir()
    except DeployError:
        return []
    return sorted(path.name for path in folders if path.is_dir() and path.name.startswith(incomplete))


def codes(incomplete: str) -> list[str]:
    """The codes of checks that begin so."""
    from entra_deployer.api import list_explanations

    return [one.code for one in list_explanations() if one.code.startswith(incomplete.upper())]


def forms(incomplete: str) -> list[str]:
    """The forms of results that begin so."""
    from entra_deployer.reports import FORMS

    return [form for form in FORMS if form.startswith(incomplete)]
