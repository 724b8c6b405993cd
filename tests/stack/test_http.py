"""What of the shell's environment a connection heeds, and one deadline over head and body of an answer."""

from dataclasses import replace
from typing import Any

import pytest

from entra_deployer.core.errors import InputError
from entra_deployer.stack.http import open_session, proxy_of, verification
from tests.stack.script import ELASTIC

BUNDLE = "/etc/bundle.pem"
SHELL = {"https_proxy": "http://shell.example:3128", "REQUESTS_CA_BUNDLE": BUNDLE}


@pytest.fixture(autouse=True)
def shell(monkeypatch):
    for name in ("HTTPS_PROXY", "NO_PROXY", "no_proxy", "CURL_CA_BUNDLE", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in SHELL.items():
        monkeypatch.setenv(name, value)


def settings(host, **options):
    endpoint = replace(ELASTIC, url=f"https://{host}:9200", **options)
    with open_session(endpoint) as session:
        return session.merge_environment_settings(endpoint.url, {}, None, verification(endpoint), None)


def test_the_shells_proxy_and_bundle_hold_where_the_file_says_nothing():
    found = settings("elastic.example")
    assert found["proxies"]["https"] == SHELL["https_proxy"]
    assert found["verify"] == BUNDLE


def test_unchecked_certificates_stay_unchecked_behind_the_shells_proxy():
    found = settings("elastic.example", verify=False)
    assert found["proxies"]["https"] == SHELL["https_proxy"]
    assert found["verify"] is False


def test_the_files_proxy_goes_before_the_shells():
    assert settings("elastic.example", proxy="http://own.example:1")["proxies"]["https"] == "http://own.example:1"


def test_this_machine_is_asked_without_a_proxy():
    assert "https" not in settings("127.0.0.1")["proxies"]


def test_the_file_says_by_which_authority_a_certificate_is_checked(tmp_path):
    authority = tmp_path / "ca.pem"
    authority.write_text("PEM")
    assert settings("elastic.example", ca=str(authority))["verify"] == str(authority)


@pytest.mark.parametrize("name", ["ca", "certificate", "key"])
def test_a_file_that_is_not_there_is_named(name, tmp_path):
    absent: dict[str, Any] = {name: str(tmp_path / "absent.pem")}
    with pytest.raises(InputError, match=r"absent\.pem"):
        open_session(replace(ELASTIC, **absent))


@pytest.mark.parametrize(
    ("host", "proxy", "named"),
    [
        ("elastic.example", None, "http://shell.example:3128"),
        ("elastic.example", "http://user:word@own.example:1", "http://own.example:1"),
        ("127.0.0.1", None, ""),
    ],
)
def test_the_proxy_is_named_without_its_password(host, proxy, named):
    assert proxy_of(replace(ELASTIC, url=f"https://{host}:9200", proxy=proxy)) == named
