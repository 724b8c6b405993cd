"""Proof on a real Elasticsearch that a rule fires when it should, and only then.

`run.verify` seeds the events of the tests, runs each rule as it stands in Kibana over them, and judges what it caught.
"""
