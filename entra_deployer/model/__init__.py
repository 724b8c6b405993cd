"""The nouns of the project: frozen dataclasses, standard library only, no I/O, no logging."""
