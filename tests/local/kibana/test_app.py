"""Whom the local Kibana API answers: requests to this machine by its own name, and no others."""

import pytest
from starlette.requests import Request

from entra_deployer.local.kibana.app import check_host
from entra_deployer.local.kibana.errors import Fault


def request(*hosts: str) -> Request:
    headers = [(b"host", host.encode("latin-1")) for host in hosts]
    return Request({"type": "http", "method": "GET", "path": "/api/status", "headers": headers})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:5601", "localhost", "LocalHost:5601", "[::1]:5601"])
def test_this_machines_own_names_are_answered(host):
    check_host(request(host))


@pytest.mark.parametrize(
    "hosts",
    [
        ("rebound.example.com",),
        ("rebound.example.com:5601",),
        ("127.0.0.1.example.com",),
        ("localhost.example.com:5601",),
        ("example.com:127.0.0.1",),
        ("127.0.0.1 example.com",),
        ("127.0.0.1:5601\n",),
        ("user@localhost",),
        ("127.0.0.1", "rebound.example.com"),
        ("",),
        (),
    ],
)
def test_any_other_name_is_refused(hosts):
    with pytest.raises(Fault) as raised:
        check_host(request(*hosts))
    assert raised.value.status == 421
