"""Certificates: an environment's own authority, its client certificate, and what is said where there is no trust."""

from dataclasses import replace

import pytest

from entra_deployer.core.errors import Unreachable
from entra_deployer.core.target import StackVersion
from entra_deployer.stack.elasticsearch import connect
from entra_deployer.stack.environment import Credentials, Endpoint, Scheme
from entra_deployer.stack.kibana import KibanaClient
from tests.tls_server import Authority, TlsServer

VERSION = StackVersion(8, 19, 21)


def kibana_version(endpoint):
    with KibanaClient(endpoint) as client:
        return client.version()


def elastic_version(endpoint):
    client = connect(endpoint)
    try:
        return client.version()
    finally:
        client.close()


BOTH = pytest.mark.parametrize("ask", [kibana_version, elastic_version])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def authority(folder):
    return Authority.make(folder, "authority")


@pytest.fixture(scope="module")
def stranger(folder):
    return Authority.make(folder, "stranger")


@pytest.fixture(scope="module")
def server(authority):
    with TlsServer(authority.sign("server")) as found:
        yield found


@pytest.fixture(scope="module")
def strict(authority, folder):
    """A server that asks for a client's certificate."""
    with TlsServer(authority.sign("strict"), folder / "authority.pem") as found:
        yield found


def endpoint(server, **more):
    return Endpoint(server.url, Credentials(Scheme.API_KEY, "a-key"), timeout=5, **more)


@BOTH
def test_an_authority_of_ones_own_is_trusted_where_it_is_named(server, folder, ask):
    assert ask(endpoint(server, ca=str(folder / "authority.pem"))) == VERSION


@BOTH
def test_without_it_there_is_no_trust_and_the_next_step_is_told(server, ask):
    with pytest.raises(Unreachable) as caught:
        ask(endpoint(server))
    assert "PEM file" in str(caught.value)
    assert "a-key" not in str(caught.value)


@BOTH
def test_another_authority_is_no_trust(server, stranger, ask):
    with pytest.raises(Unreachable):
        ask(endpoint(server, ca=str(stranger.folder / "stranger.pem")))


@BOTH
def test_no_check_where_the_file_says_so(server, ask):
    assert ask(endpoint(server, verify=False)) == VERSION


@BOTH
def test_the_file_goes_before_the_shells_bundle(server, stranger, monkeypatch, ask):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(stranger.folder / "stranger.pem"))
    assert ask(endpoint(server, verify=False)) == VERSION
    assert ask(endpoint(server, ca=str(stranger.folder / "authority.pem"))) == VERSION


@BOTH
def test_a_client_certificate_lets_us_in(strict, authority, folder, ask):
    certificate, key = authority.sign("client")
    known = endpoint(strict, ca=str(folder / "authority.pem"), certificate=str(certificate), key=str(key))
    assert ask(known) == VERSION
    with pytest.raises(Unreachable):
        ask(replace(known, certificate=None, key=None))


@BOTH
def test_a_proxy_of_the_shell_is_not_asked_for_this_machine(server, folder, monkeypatch, ask):
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert ask(endpoint(server, ca=str(folder / "authority.pem"))) == VERSION


@BOTH
def test_the_environments_proxy_is_used(server, ask):
    with pytest.raises(Unreachable):
        ask(endpoint(server, verify=False, proxy="http://127.0.0.1:9"))
