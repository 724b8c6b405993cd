"""The floor of plan, push again and drift: import both clients, ask the status, the rules and the ledger.

Usage: plan.py KIBANA ELASTICSEARCH SPACE RULES; the password is in BENCH_PASSWORD.
"""

import os
import sys

import requests
from elasticsearch import Elasticsearch

kibana, elastic, space, rules = sys.argv[1:5]
user = ("elastic", os.environ["BENCH_PASSWORD"])
session = requests.Session()
session.auth = user
session.trust_env = False
session.headers["kbn-xsrf"] = "bench"
session.get(f"{kibana}/api/status", timeout=60).json()
prefix = "" if space == "default" else f"/s/{space}"
pages = -(-int(rules) // 10_000)
for page in range(1, pages + 1):
    window = {"per_page": min(int(rules), 10_000), "page": page}
    session.get(f"{kibana}{prefix}/api/detection_engine/rules/_find", params=window, timeout=60).json()
client = Elasticsearch(elastic, basic_auth=user)
client.search(index="entra-deployer-ledger", query={"term": {"space": space}}, size=10_000)
