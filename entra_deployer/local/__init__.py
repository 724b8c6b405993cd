"""The embedded stack: a real Elasticsearch and a local Kibana API, started by the tool itself (the extra `local`)."""
