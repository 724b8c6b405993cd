"""What Kibana tells of itself: its clock, its licence, its encryption key; or that it does not tell."""

from datetime import UTC, datetime

import pytest
import requests

from entra_deployer.doctor.examination import Licence
from entra_deployer.stack.connectors import has_encryption_key, licence, licence_in_force

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
def test_the_clock_is_the_date_of_an_answer(scripted, header, time):
    client, script = scripted((200, {}))
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
        ((200, {"license": {"type": "basic", "status": "active"}}), Licence("basic")),
        (
            (200, {"license": {"type": "trial", "status": "expired", "expiryDateInMillis": 1796430047000}}),
            Licence("trial", active=False, expires=datetime(2026, 12, 5, 0, 20, 47, tzinfo=UTC)),
        ),
        (NOT_SERVED, None),
        ((200, []), None),
    ],
)
def test_the_licence(scripted, answer, found):
    client, _ = scripted(answer, answer)
    assert licence_in_force(client) == found
    assert licence(client) == (found.type if found else None)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ((200, {"has_encryption_key": False}), False),
        ((200, {"has_encryption_key": True}), True),
        ((200, {}), None),
        (NOT_SERVED, None),
    ],
)
def test_the_encryption_key(scripted, answer, found):
    client, _ = scripted(answer)
    assert has_encryption_key(client) is found
