"""The floor of a push of new rules: import both clients, and import the rules alone.

Usage: push_rules.py KIBANA SPACE FILE; the password is in BENCH_PASSWORD, FILE is what Kibana's import takes.
"""

import os
import sys
from pathlib import Path

import elasticsearch  # noqa: F401 - a push needs both clients
import requests

kibana, space, file = sys.argv[1:4]
session = requests.Session()
session.auth = ("elastic", os.environ["BENCH_PASSWORD"])
session.trust_env = False
session.headers["kbn-xsrf"] = "bench"
files = {"file": ("rules.ndjson", Path(file).read_bytes(), "application/ndjson")}
answer = session.post(f"{kibana}/s/{space}/api/detection_engine/rules/_import", files=files, timeout=300)
assert answer.json()["success"], answer.text[:500]
