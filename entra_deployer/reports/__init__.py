"""Renderers: a report in, text out. Pure: the same report gives the same bytes."""
