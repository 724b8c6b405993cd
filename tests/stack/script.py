"""Servers that are a script: each request takes the next answer. It stands where the network would be."""

import io
import json
from dataclasses import dataclass, field

import requests
import urllib3
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from entra_deployer.stack.elasticsearch import connect
from entra_deployer.stack.environment import Credentials, Endpoint, Scheme
from entra_deployer.stack.kibana import KibanaClient
from entra_deployer.stack.server import Pauses

SECRET = "czNjcjN0OnMzY3IzdA=="
KIBANA = Endpoint("http://kibana.example:5601", Credentials(Scheme.API_KEY, SECRET), timeout=5)
ELASTIC = Endpoint("http://elastic.example:9200", Credentials(Scheme.BASIC, SECRET, "elastic"), timeout=5)
ALWAYS = "always"
OF_ELASTIC = {"x-elastic-product": "Elasticsearch", "content-type": "application/json"}


@dataclass
class Script(BaseAdapter):
    """`answers` are (status, body), (status, body, headers) or exceptions, in order; ALWAYS repeats the one before.

    `seen` holds the prepared requests, `pauses` the seconds waited, `told` what was said of it.
    """

    answers: list
    headers: dict = field(default_factory=dict)
    seen: list = field(default_factory=list)
    pauses: list = field(default_factory=list)
    told: list = field(default_factory=list)

    def send(self, request, *_, **__):
        self.seen.append(request)
        answer = self.answers[0] if self.answers[1:] == [ALWAYS] else self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        status, body, *more = answer
        return response(request, status, body, {**self.headers, **(more[0] if more else {})})

    def close(self):
        pass

    @property
    def waiting(self):
        return Pauses(self.pauses.append, self.told.append)


def response(request, status, body, headers):
    """What `requests` would make of an answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    if request.method == "HEAD":
        content = b""
    found = requests.Response()
    found.status_code = status
    found.url = request.url
    found.request = request
    found.headers = CaseInsensitiveDict(headers)
    found.raw = urllib3.HTTPResponse(io.BytesIO(content), headers, status, preload_content=False)
    return found


def kibana(*answers, endpoint=KIBANA):
    script = Script(list(answers))
    return KibanaClient(endpoint, script, script.waiting), script


def elastic(*answers, endpoint=ELASTIC):
    script = Script(list(answers), dict(OF_ELASTIC))
    return connect(endpoint, script, script.waiting), script
