"""What Python's HTTP client is to take from a server."""

import http.client

MOST_HEADERS = 10_000


def take_many_headers() -> None:
    """Take as many headers as Elasticsearch sends.

    It sends a Warning for each place of a query at which a field had several values: a long query over such events has
    hundreds. `http.client`, on which requests and urllib3 stand, gives up at its hundredth header, which looks as if
    the connection had been closed, and has no setting for it but this.
    """
    http.client._MAXHEADERS = MOST_HEADERS  # type: ignore[attr-defined]
