"""The kinds of Kibana object that a rule is made of: their fields and owners, and a handler for each."""
