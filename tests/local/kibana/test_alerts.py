"""The index of a space's alerts, made when it is first needed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from entra_deployer.local.kibana.alerts import Book
from entra_deployer.local.kibana.elastic import Reply
from entra_deployer.local.kibana.profiles import V8_19
from entra_deployer.local.kibana.server import Kibana
from entra_deployer.local.kibana.store import Store


@dataclass
class Indices:
    """An Elasticsearch that knows indices alone; `meanwhile` happens while one is made."""

    made: list = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def call(self, method, path, _body=None, **_):
        if method == "HEAD":
            return Reply(200 if path in self.made else 404, b"{}")
        self.meanwhile()
        self.made.append(path)
        return Reply(200, b"{}")


def kibana_over(elastic):
    return Kibana(elastic, Store(elastic, "x"), V8_19, "platinum", lambda: datetime.now(UTC))


@pytest.mark.parametrize("preview", [True, False])
def test_whoever_comes_while_it_is_made_finds_no_shard_and_a_moment_later_all(preview):
    elastic, seen = Indices(), []
    kibana = kibana_over(elastic)
    book = Book.of("default", preview=preview)
    elastic.meanwhile = lambda: seen.append(book.prepare(kibana))
    assert book.prepare(kibana) is True
    assert seen == [False]
    assert book.prepare(kibana) is True
    assert elastic.made == [f"/{book.index}"]
