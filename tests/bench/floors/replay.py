"""The floor of verify and synth: send again what they sent to seed events and to query them, and nothing else.

Usage: replay.py FILE PARALLEL; the password is in BENCH_PASSWORD. FILE has a request a line: those of one phase are
sent side by side, PARALLEL at a time.
"""

import base64
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

import elasticsearch  # noqa: F401 - both commands need both clients
import requests

file, parallel = Path(sys.argv[1]), int(sys.argv[2])
own = threading.local()


def session():
    if not hasattr(own, "session"):
        own.session = requests.Session()
        own.session.auth = ("elastic", os.environ["BENCH_PASSWORD"])
        own.session.trust_env = False
        own.session.headers["kbn-xsrf"] = "bench"
    return own.session


def send(one):
    headers = {"Content-Type": one["type"], "Accept": one["type"].replace("x-ndjson", "json")} if one["type"] else {}
    body = base64.b64decode(one["body"]) or None
    session().request(one["method"], one["url"], data=body, headers=headers, timeout=300)  # it is read whole


with file.open(encoding="utf-8") as lines, ThreadPoolExecutor(parallel) as pool:
    for _, phase in groupby(map(json.loads, lines), key=lambda one: one["phase"]):
        list(pool.map(send, phase))
