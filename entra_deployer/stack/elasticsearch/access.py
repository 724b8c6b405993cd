"""Who we are to an Elasticsearch, and what we are allowed there."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from elasticsearch import Elasticsearch

from entra_deployer.core.errors import Refused
from entra_deployer.core.json import Untyped as Json
from entra_deployer.doctor.examination import Identity
from entra_deployer.stack.elasticsearch.translate import translated
from entra_deployer.stack.environment import Endpoint


class Access:
    """The questions about privileges. Every method raises Unreachable, or Refused with the server's reason."""

    def __init__(self, client: Elasticsearch, endpoint: Endpoint) -> None:
        self._client = client
        self._endpoint = endpoint

    def identity(self) -> Identity:
        """Who we are; of an API key also until when it is valid, which every key may ask about itself."""
        with translated(self._endpoint):
            answer = self._client.security.authenticate()
        key: Mapping[str, Json] = answer.get("api_key") or {}
        found = Identity(
            str(answer["username"]), tuple(answer.get("roles", ())), key.get("id", ""), key.get("name") or ""
        )
        if not found.key_id:
            return found
        with suppress(Refused):
            return replace(found, expires=self._key_expires(found.key_id))
        return found

    def _key_expires(self, key_id: str) -> datetime | None:
        with translated(self._endpoint):
            answer = self._client.security.get_api_key(id=key_id)
        return next((_time(key["expiration"]) for key in answer["api_keys"] if key.get("expiration")), None)

    def granted(
        self, application: str, privileges: Sequence[str], resources: Sequence[str]
    ) -> Mapping[str, frozenset[str]]:
        """By resource of an application (in Kibana a space), those of the privileges that we hold."""
        asked = [{"application": application, "privileges": list(privileges), "resources": list(resources)}]
        with translated(self._endpoint):
            answer = self._client.security.has_privileges(application=asked)
        by_resource = answer["application"][application]
        return {
            resource: frozenset(name for name, held in names.items() if held) for resource, names in by_resource.items()
        }


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
