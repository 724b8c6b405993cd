"""The compiler: a hunt becomes Kibana detection rules and saved searches. Pure; every rewrite carries its reason."""
