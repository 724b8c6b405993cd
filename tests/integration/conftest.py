"""One embedded stack for all integration tests, and sockets to this machine only."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from elasticsearch import Elasticsearch

from entra_deployer.core.errors import Refused
from entra_deployer.ledger.open import open_connection
from entra_deployer.local import stack as local
from entra_deployer.local.stack import LocalStack
from entra_deployer.plan.connection import Connection
from entra_deployer.stack.environment import Credentials, Endpoint, Environment, Scheme
from entra_deployer.stack.environments import load_environment
from entra_deployer.stack.privileges import LEDGER
from tests.fault_proxy import FaultProxy
from tests.integration.projects import AnalystsKibana, Project, client, environment_file

HERE = Path(__file__).parent
KIBANA, ELASTICSEARCH, PASSWORD = "TEST_KIBANA_URL", "TEST_ELASTICSEARCH_URL", "TEST_STACK_PASSWORD"
"""Variables that name a stack of the user's, for `make test-stack`: the tests marked `any_stack` then run against it.

Its user is `elastic`. Each test works in a space of its own, which goes with it, as indices do.
"""
ENVIRONMENT = "TEST_ENVIRONMENT"
"""Or the variable that names the stack's file deploy/<environment>.yaml."""


def given_stack() -> LocalStack | None:
    """The stack that the variables name."""
    if name := os.environ.get(ENVIRONMENT):
        found = load_environment(HERE.parents[1], name, os.environ)
        urls = (found.kibana.url, found.elasticsearch.url)
        return LocalStack("given", "", "", *urls, "elastic", found.kibana.credentials.secret, pid=0)
    if not os.environ.get(KIBANA):
        return None
    kibana, elasticsearch, password = (os.environ[name].rstrip("/") for name in (KIBANA, ELASTICSEARCH, PASSWORD))
    return LocalStack("given", "", "", kibana, elasticsearch, "elastic", password, pid=0)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    given = given_stack()
    urls = (given.kibana_url, given.elasticsearch_url) if given else ()
    hosts = {"127.0.0.1", *(str(urlsplit(url).hostname) for url in urls)}
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.integration)
            # One worker has all tests of the shared stack, so that it is started once; other files have their own.
            shared = "stack" in getattr(item, "fixturenames", ())
            item.add_marker(pytest.mark.xdist_group("stack" if shared else item.path.stem))
            item.add_marker(pytest.mark.allow_hosts(sorted(hosts)))
    if given:
        others = [item for item in items if not item.get_closest_marker("any_stack")]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item.get_closest_marker("any_stack")]


def make_project(folder: Path) -> Path:
    """An empty project."""
    (folder / "rules").mkdir(parents=True)
    return folder


def deploy(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would, in a process of its own."""
    command = [sys.executable, "-P", "-m", "entra_deployer", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """A run in the background of a shell ignores SIGINT, and so would every process that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def stack_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that the shared stack belongs to."""
    return make_project(tmp_path_factory.mktemp("shared") / "project")


@pytest.fixture(scope="session")
def stack(stack_root: Path) -> Iterator[LocalStack]:
    """The shared stack: its urls, user and password. Tests tell their own things apart by names of their own."""
    if given := given_stack():
        yield given
        return
    # a run that is ended from outside ends like one that is interrupted, with everything stopped
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        # a process of its own may fetch the jars on a fresh machine, which no test may
        started = deploy(stack_root, "local", "up")
        assert started.returncode == 0, started.stderr
        found = local.find(stack_root)
        assert found is not None
        yield found
    finally:
        local.down(stack_root)
        signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def connection(stack: LocalStack, stack_root: Path) -> Iterator[Connection]:
    """Both servers of the shared stack, as the environment `local` has them."""
    credentials = Credentials(Scheme.BASIC, stack.password, stack.user)
    kibana, elastic = Endpoint(stack.kibana_url, credentials), Endpoint(stack.elasticsearch_url, credentials)
    embedded = given_stack() is None
    with open_connection(Environment("local", kibana, elastic, enabled=True, embedded=embedded), stack_root) as opened:
        yield opened


@pytest.fixture(scope="session")
def proxy(stack: LocalStack) -> Iterator[FaultProxy]:
    """A proxy in front of the shared stack's Kibana; without faults unless a test adds one."""
    with FaultProxy(stack.kibana_url) as found:
        yield found


@pytest.fixture
def project(
    stack: LocalStack,
    proxy: FaultProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Project]:
    """A project whose environment `test` is a new space of the shared stack, reached through the proxy."""
    root = make_project(tmp_path / "project")
    (root / "deploy").mkdir()
    space = f"test-{uuid.uuid4().hex[:10]}"
    kibana = client(stack.kibana_url, stack.password)
    kibana.post("/api/spaces/space", {"id": space, "name": space})
    (root / "deploy" / "test.yaml").write_text(environment_file(proxy.url, stack.elasticsearch_url, space), "utf-8")
    monkeypatch.setenv("TEST_PASSWORD", stack.password)
    monkeypatch.chdir(root)
    proxy.clear()
    yield Project(root, space, kibana, capsys)
    if given_stack():
        forget_space(stack, kibana, space)


def forget_space(stack: LocalStack, kibana: AnalystsKibana, space: str) -> None:
    """Take a space away with all that is in it, and what the ledger knows of it."""
    try:
        kibana.delete(f"/api/spaces/space/{space}")
    except Refused as error:
        if error.status != 501:  # the local Kibana API, which forgets spaces by `deploy local reset` alone
            raise
    with Elasticsearch(stack.elasticsearch_url, basic_auth=(stack.user, stack.password)) as elastic:
        own = _ids(elastic, {"term": {"space": space}})
        pushes = [one.removeprefix("push:") for one in own if one.startswith("push:")]
        if kept := [*own, *_ids(elastic, {"terms": {"push_id": pushes}})]:
            elastic.bulk(index=LEDGER, operations=[{"delete": {"_id": one}} for one in kept], refresh=True)


def _ids(elastic: Elasticsearch, query: Mapping[str, object]) -> list[str]:
    """The ledger's documents that a query finds."""
    found = elastic.search(index=LEDGER, query=query, size=10_000, source=False, ignore_unavailable=True)
    return [one["_id"] for one in found["hits"]["hits"]]
