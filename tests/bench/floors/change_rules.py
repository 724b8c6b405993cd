"""The floor of a push that changes some of many rules: what plan.py does, and a PUT of each of ten rules, in parallel.

Usage: change_rules.py KIBANA ELASTICSEARCH SPACE RULES; the password is in BENCH_PASSWORD.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import requests
from elasticsearch import Elasticsearch

CHANGED = 10
kibana, elastic, space, rules = sys.argv[1:5]
user = ("elastic", os.environ["BENCH_PASSWORD"])
session = requests.Session()
session.auth = user
session.trust_env = False
session.headers["kbn-xsrf"] = "bench"
api = f"{kibana}/s/{space}/api/detection_engine/rules"
session.get(f"{kibana}/api/status", timeout=60).json()
found = session.get(f"{api}/_find", params={"per_page": int(rules)}, timeout=60).json()["data"]
found.sort(key=lambda rule: rule["name"])
Elasticsearch(elastic, basic_auth=user).search(
    index="entra-deployer-ledger", query={"term": {"space": space}}, size=10_000
)
SERVER_SET = {
    "rule_id", "immutable", "rule_source", "created_at", "created_by", "updated_at", "updated_by", "revision",
    "execution_summary",
}  # fmt: skip


def put(rule):
    body = {name: value for name, value in rule.items() if name not in SERVER_SET and value is not None}
    answer = session.put(api, json=body, timeout=60)
    assert answer.ok, answer.text[:500]


with ThreadPoolExecutor(CHANGED) as pool:
    list(pool.map(put, found[-CHANGED:]))
