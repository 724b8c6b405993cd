"""What servers send that is no answer of theirs: by name, (status, body, headers)."""

JSON = {"content-type": "application/json; charset=utf-8", "x-elastic-product": "Elasticsearch", "kbn-name": ""}
HTML = {"content-type": "text/html; charset=utf-8"}
LOGIN = b"<!DOCTYPE html><html><head><title>Log in</title></head><body><form><input type=password></form></body></html>"

NONSENSE = {
    "a login page": (200, LOGIN, HTML),
    "another web server's 404": (404, b"<html><title>404 Not Found</title></html>", HTML),
    "a gateway's 502": (502, b"<html><title>502 Bad Gateway</title></html>", HTML),
    "an error in HTML": (500, b"<html><title>Oops</title></html>", HTML),
    "a redirect to another host": (307, b"", {"location": "https://elsewhere.example/login?next=/"}),
    "null": (200, b"null", JSON),
    "a list of numbers": (200, b"[1, 2, 3]", JSON),
    "another object": (200, b'{"hello": {"world": 1}}', JSON),
    "half of a JSON": (200, b'{"data": [{"id": "x', JSON),
    "nothing": (200, b"", JSON),
    "the wrong content type": (200, b"hello", {"content-type": "text/plain"}),
    "JSON of endless depth": (200, b"[" * 50_000, JSON),
    "50 MB": (200, b" " * 50_000_000, JSON),
    "asks to wait for an hour": (429, b"{}", {**JSON, "retry-after": "3600"}),
}
"""`kbn-name` and the product are there and say nothing, so that only the answer itself tells what it is."""
