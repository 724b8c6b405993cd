"""Brings changes made in Kibana back into the repository."""
