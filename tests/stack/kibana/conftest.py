"""A Kibana client whose server is a script: each request takes the next answer."""

import json
from dataclasses import dataclass, field

import pytest
import requests
from requests.adapters import BaseAdapter

from entra_deployer.stack.environment import Credentials, Endpoint, Scheme
from entra_deployer.stack.kibana import KibanaClient

SECRET = "s3cr3t-of-the-tests"
ENDPOINT = Endpoint("http://kibana.example:5601", Credentials(Scheme.API_KEY, SECRET), timeout=5)


@dataclass
class Script(BaseAdapter):
    """`answers` are (status, body) pairs or exceptions, taken in order; `seen` holds the prepared requests."""

    answers: list
    seen: list = field(default_factory=list)

    def send(self, request, **_):
        self.seen.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        response = requests.Response()
        response.status_code = status
        response.url = request.url
        response.request = request
        response._content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return response

    def close(self):
        pass


@pytest.fixture
def scripted():
    def make(*answers, endpoint=ENDPOINT):
        script = Script(list(answers))
        return KibanaClient(endpoint, script), script

    return make
