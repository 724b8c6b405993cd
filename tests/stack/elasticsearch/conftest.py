"""A client whose server is a script: each request takes the next answer."""

import json
from collections.abc import Callable
from typing import NamedTuple

import pytest
from elastic_transport import ApiResponseMeta, BaseNode, HttpHeaders
from elasticsearch import Elasticsearch

from entra_deployer.stack.elasticsearch.client import ElasticClient
from entra_deployer.stack.environment import Credentials, Endpoint, Scheme

SECRET = "s3cr3t-of-the-tests"
ENDPOINT = Endpoint("http://elastic.example:9200", Credentials(Scheme.BASIC, SECRET, "elastic"), timeout=5)


class Received(NamedTuple):
    meta: ApiResponseMeta
    body: bytes


class Script:
    """Answers in order; an exception in the list is raised. `requests` keeps what was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []

    def take(self, method, target, body, timeout):
        self.requests.append((method, target, body, timeout))
        return self.answers.pop(0)


def answer(body, status=200, headers=None):
    return status, {"x-elastic-product": "Elasticsearch", "content-type": "application/json"} | (headers or {}), body


INFO = answer({"version": {"number": "8.19.21", "build_flavor": "default"}})


@pytest.fixture
def scripted() -> Callable[..., tuple[ElasticClient, Script]]:
    def make(*answers, endpoint=ENDPOINT):
        script = Script(*answers)

        class Node(BaseNode):
            def perform_request(self, method, target, body=None, headers=None, request_timeout=None):
                result = script.take(method, target, body, request_timeout)
                if isinstance(result, Exception):
                    raise result
                status, received, content = result
                meta = ApiResponseMeta(status, "1.1", HttpHeaders(received), 0.0, self.config)
                raw = content if isinstance(content, bytes) else json.dumps(content).encode()
                return Received(meta, raw)

        client = Elasticsearch(endpoint.url, node_class=Node, max_retries=0, request_timeout=endpoint.timeout)
        return ElasticClient(client, endpoint), script

    return make
