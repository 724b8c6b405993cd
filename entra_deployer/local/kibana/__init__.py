"""A local double of Kibana's API, held to recorded answers of a real Kibana: see docs/local-kibana.md."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.applications import Starlette


@dataclass(frozen=True)
class KibanaSettings:
    """What the local API needs: its Elasticsearch, its own account there, which Kibana to speak like."""

    elasticsearch_url: str
    user: str
    password: str = field(repr=False)
    profile: str = "8.19"
    license: str = "platinum"


def create_app(settings: KibanaSettings) -> "Starlette":
    """The ASGI application. Raises ValueError for an unknown profile or licence, or an Elasticsearch elsewhere."""
    from entra_deployer.local.kibana.app import build  # noqa: PLC0415 -- Starlette loads when it is needed
    from entra_deployer.local.kibana.elastic import Elastic  # noqa: PLC0415
    from entra_deployer.local.kibana.profiles import LICENSES, PROFILES  # noqa: PLC0415

    if settings.profile not in PROFILES:
        raise ValueError(f"unknown profile {settings.profile}; there are {', '.join(PROFILES)}")
    licenses = [one for one in LICENSES if one == settings.license]
    if not licenses:
        raise ValueError(f"unknown licence {settings.license}; there are {', '.join(LICENSES)}")
    elastic = Elastic(settings.elasticsearch_url, settings.user, settings.password)
    return build(elastic, profile=settings.profile, license_type=licenses[0])
