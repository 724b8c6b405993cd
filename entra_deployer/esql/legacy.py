"""How old versions of Kibana's rule executor read a query: by its text, where newer ones look at its tree."""

import re
from collections.abc import Iterator

from entra_deployer.esql.tree import Span, Tree

FROM_WORD = re.compile(r"from(?=\s+[\w*+,.!@$^()~;-])", re.IGNORECASE)
"""The word behind which 8.12 looks for the index."""


def from_in_strings(tree: Tree) -> Iterator[Span]:
    """The string literals behind the FROM that make 8.12 read from another index; these cannot be rewritten."""
    for span in tree.strings:
        if span.start > tree.commands[0].span.end and FROM_WORD.search(span.of(tree.text)):
            yield span
