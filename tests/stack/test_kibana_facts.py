"""What Kibana tells of itself: its clock, its license, its encryption key; or that it does not tell."""

from datetime import UTC, datetime

import pytest
import requests

from entra_deployer.core.errors import Refused, Unreachable
from entra_deployer.stack.search import License
from tests.stack.script import kibana

NOT_SERVED = (501, {"statusCode": 501, "error": "Not Implemented", "message": "no"})


@pytest.mark.parametrize(
    ("header", "time"),
    [
        ("Wed, 25 Nov 2026 00:20:47 GMT", datetime(2026, 11, 25, 0, 20, 47, tzinfo=UTC)),
        ("Wed, 25 Nov 2026 00:20:47 GMT, Wed, 25 Nov 2026 00:20:48 GMT", datetime(2026, 11, 25, 0, 20, 47, tzinfo=UTC)),
        ("Wed, 25 Nov 2026 00:20:47", None),
        ("nonsense", None),
        (None, None),
    ],
)
def test_the_clock_is_the_date_of_an_answer(header, time):
    client, script = kibana((200, {"status": {}}))
    send = script.send

    def with_date(request, **options):
        response: requests.Response = send(request, **options)
        if header is not None:
            response.headers["Date"] = header
        return response

    script.send = with_date
    assert client.clock() == time


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ((200, {"license": {"type": "basic", "status": "active"}}), License("basic")),
        (
            (200, {"license": {"type": "trial", "status": "expired", "expiryDateInMillis": 1796430047000}}),
            License("trial", active=False, expires=datetime(2026, 12, 5, 0, 20, 47, tzinfo=UTC)),
        ),
        (NOT_SERVED, None),
    ],
)
def test_the_license(answer, found):
    client, _ = kibana(answer)
    assert client.license() == found


@pytest.mark.parametrize("answer", [(500, {"message": "no"}), (403, {"message": "no"}), (200, []), (200, b"<html>")])
@pytest.mark.parametrize("ask", [lambda client: client.license(), lambda client: client.has_encryption_key()])
def test_a_server_that_fails_is_no_server_that_does_not_tell(answer, ask):
    client, _ = kibana(answer)
    with pytest.raises((Refused, Unreachable), match=r"http://kibana\.example:5601"):
        ask(client)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ((200, {"has_encryption_key": False}), False),
        ((200, {"has_encryption_key": True}), True),
        (NOT_SERVED, None),
    ],
)
def test_the_encryption_key(answer, found):
    client, _ = kibana(answer)
    assert client.has_encryption_key() is found
