"""The only place that speaks to an Elasticsearch, through its official client."""
