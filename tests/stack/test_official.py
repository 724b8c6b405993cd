"""Elastic's client without its asynchronous half, which is there where somebody asks for it."""

import subprocess
import sys

BOTH = "asynchronous = [name for name in sys.modules if name.startswith('elasticsearch._async.client')]\n"


def told(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.splitlines()


CONNECT = (
    "import sys\n"
    "from entra_deployer.stack.elasticsearch import connect\n"
    "from entra_deployer.stack.environment import Credentials, Endpoint, Scheme\n"
    "endpoint = Endpoint('http://127.0.0.1:9', Credentials(Scheme.BASIC, 'p', 'u'))\n"
)


def test_a_client_that_asks_nothing_loads_none_of_elastics():
    assert told(f"{CONNECT}connect(endpoint)\nprint('elasticsearch' in sys.modules)") == ["False"]


def test_a_client_loads_no_asynchronous_half():
    asked = "print(type(connect(endpoint)._client).__name__)\n"
    assert told(f"{CONNECT}{asked}{BOTH}print(asynchronous)") == ["Elasticsearch", "[]"]


def test_whoever_asks_for_the_asynchronous_half_gets_it():
    program = (
        f"{CONNECT}connect(endpoint)._client\n"
        "import elasticsearch, elastic_transport\n"
        "from elasticsearch import AsyncElasticsearch\n"
        "print(hasattr(AsyncElasticsearch, 'search'), AsyncElasticsearch is elasticsearch.AsyncElasticsearch)\n"
        "print(hasattr(elastic_transport.AsyncTransport, 'perform_request'), hasattr(elasticsearch, 'Unknown'))\n"
        "import elasticsearch._async.client, elasticsearch.helpers\n"
        "print(elasticsearch._async.client.AsyncElasticsearch is AsyncElasticsearch)\n"
    )
    assert told(program) == ["True True", "True False", "True"]


def test_a_client_that_was_loaded_before_is_left_as_it_is():
    program = f"import elasticsearch\nbefore = dict(vars(elasticsearch))\n{CONNECT}connect(endpoint)._client\n"
    assert told(f"{program}print(before == vars(elasticsearch))") == ["True"]


def test_two_threads_that_ask_at_once_get_the_same_client():
    program = (
        f"{CONNECT}from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    found = set(pool.map(lambda _: type(connect(endpoint)._client), range(8)))\n"
        f"{BOTH}"
        "import elasticsearch\n"
        "print(found == {elasticsearch.Elasticsearch}, asynchronous, elasticsearch.AsyncElasticsearch.__name__)\n"
    )
    assert told(program) == ["True [] AsyncElasticsearch"]
