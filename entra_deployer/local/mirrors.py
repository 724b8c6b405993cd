"""Which Maven repository the jars come from: the user's mirror where there is one."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit
from xml.etree import ElementTree as ET

from entra_deployer.core.errors import LocalStackError, Location

VARIABLE = "ENTRA_DEPLOYER_MAVEN_REPO"


def repository(environ: Mapping[str, str], settings: Path) -> str | None:
    """The base address of the user's mirror of Maven Central, credentials included; None where there is none.

    The environment variable comes first, then the first mirror that Maven's own settings file sets for Central.
    """
    if address := environ.get(VARIABLE):
        return address.rstrip("/")
    if not settings.is_file():
        return None
    try:
        root = ET.parse(settings).getroot()  # noqa: S314 - the user's own file
    except ET.ParseError as error:
        line, column = error.position
        raise LocalStackError(
            "Maven's settings are not well-formed XML",
            location=Location(str(settings), line, column + 1),
            hint=f"mend it, or set {VARIABLE} to the address of a Maven repository",
        ) from None
    for mirror in root.iterfind("{*}mirrors/{*}mirror"):
        if _covers_central(_text(mirror, "mirrorOf", environ)):
            address = _text(mirror, "url", environ).rstrip("/")
            return _with_credentials(address, _server(root, _text(mirror, "id", environ)), environ, settings)
    return None


def _covers_central(pattern: str) -> bool:
    parts = [part.strip() for part in pattern.split(",")]
    return "!central" not in parts and not {"*", "external:*", "central"}.isdisjoint(parts)


def _server(root: ET.Element, identifier: str) -> ET.Element | None:
    for server in root.iterfind("{*}servers/{*}server"):
        if server.findtext("{*}id", "").strip() == identifier:
            return server
    return None


def _with_credentials(address: str, server: ET.Element | None, environ: Mapping[str, str], settings: Path) -> str:
    user = _text(server, "username", environ)
    if not user:
        return address
    password = _text(server, "password", environ)
    if re.fullmatch(r"\{.*\}", password):
        raise LocalStackError(
            "the mirror's password is encrypted, which only Maven itself can read",
            location=Location(str(settings)),
            hint=f"set {VARIABLE} to the mirror's address with user and password in it",
        )
    scheme, host, path, query, fragment = urlsplit(address)
    return urlunsplit((scheme, f"{quote(user, safe='')}:{quote(password, safe='')}@{host}", path, query, fragment))


def _text(element: ET.Element | None, tag: str, environ: Mapping[str, str]) -> str:
    """A child's text, with Maven's ${env.NAME} filled in."""
    text = "" if element is None else element.findtext(f"{{*}}{tag}", "").strip()
    return re.sub(r"\$\{env\.([^}]+)\}", lambda found: environ.get(found[1], found[0]), text)


def of_user() -> str | None:
    """The mirror of the user who runs this process."""
    return repository(os.environ, Path.home() / ".m2" / "settings.xml")
