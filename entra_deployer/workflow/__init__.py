"""The commands' work: the only place that sees both the pure code and the servers."""
