"""WRITERS: the smallest edit of a text that makes it say something else, comments and order kept. Pure."""
