"""A local double of Kibana's API, held to recorded answers of a real Kibana: see docs/local-kibana.md."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from entra_deployer.core.errors import LocalStackError

if TYPE_CHECKING:
    from starlette.applications import Starlette


@dataclass(frozen=True)
class KibanaSettings:
    """What the local API needs: its Elasticsearch, its own account there, which Kibana to speak like.

    With `run_rules` enabled rules run at their interval; without it only `POST /local/rules/run` runs them. With
    `refresh` ("1s") every write waits for the next refresh, as it does at the real one. `state` is how the names of the
    indices begin in which it keeps what it knows.
    """

    elasticsearch_url: str
    user: str
    password: str = field(repr=False)
    profile: str = "8.19"
    license: str = "platinum"
    run_rules: bool = False
    refresh: str = ""
    state: str = ".local-kibana"


def create_app(settings: KibanaSettings) -> "Starlette":
    """The ASGI application. Raises LocalStackError for an unknown profile or license, or an Elasticsearch elsewhere."""
    from entra_deployer.local.kibana.app import build  # noqa: PLC0415 -- Starlette loads when it is needed
    from entra_deployer.local.kibana.elastic import Elastic  # noqa: PLC0415
    from entra_deployer.local.kibana.profiles import LICENSES, PROFILES  # noqa: PLC0415
    from entra_deployer.local.kibana.store import Store  # noqa: PLC0415

    if settings.profile not in PROFILES:
        raise LocalStackError(f"unknown profile {settings.profile}", hint=f"there are {', '.join(PROFILES)}")
    licenses = [one for one in LICENSES if one == settings.license]
    if not licenses:
        raise LocalStackError(f"unknown license {settings.license}", hint=f"there are {', '.join(LICENSES)}")
    elastic = Elastic(settings.elasticsearch_url, settings.user, settings.password)
    profile = PROFILES[settings.profile]
    return build(
        Store(elastic, settings.state, settings.refresh), elastic, profile, licenses[0], run_rules=settings.run_rules
    )
