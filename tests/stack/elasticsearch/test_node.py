"""What of the shell's environment a connection to Elasticsearch heeds."""

import pytest
from elastic_transport import NodeConfig

from entra_deployer.stack.elasticsearch.node import node_class

BUNDLE = "/etc/bundle.pem"
SHELL = {"https_proxy": "http://shell.example:3128", "REQUESTS_CA_BUNDLE": BUNDLE}


@pytest.fixture(autouse=True)
def shell(monkeypatch):
    for name in ("HTTPS_PROXY", "NO_PROXY", "no_proxy", "CURL_CA_BUNDLE", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in SHELL.items():
        monkeypatch.setenv(name, value)


def settings(host, proxy=None, **options):
    node = node_class(proxy)(NodeConfig("https", host, 9200, ssl_show_warn=False, **options))
    try:
        return node.session.merge_environment_settings(node.base_url, {}, None, None, None)
    finally:
        node.close()


def test_the_shells_proxy_and_bundle_hold_where_the_file_says_nothing():
    found = settings("elastic.example")
    assert found["proxies"]["https"] == SHELL["https_proxy"]
    assert found["verify"] == BUNDLE


def test_unchecked_certificates_stay_unchecked_behind_the_shells_proxy():
    found = settings("elastic.example", verify_certs=False)
    assert found["proxies"]["https"] == SHELL["https_proxy"]
    assert found["verify"] is False


def test_the_files_proxy_goes_before_the_shells():
    assert settings("elastic.example", proxy="http://own.example:1")["proxies"]["https"] == "http://own.example:1"


def test_this_machine_is_asked_without_a_proxy():
    assert "https" not in settings("127.0.0.1")["proxies"]
