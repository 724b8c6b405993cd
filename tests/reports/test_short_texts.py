"""A document of short lines alone is told without what lays out: the same text."""

import subprocess
import sys

from hypothesis import example, given
from hypothesis import strategies as st

from entra_deployer.reports import text
from entra_deployer.reports.document import Code, Diff, Document, Gap, Item, Line, Section, Span, Tone, words
from entra_deployer.reports.layout import laid_out

TEXTS = st.text(st.sampled_from("ab  .:-'[]✓é日\u200d\u202e\t\n\x1b"), max_size=24)
SPANS = st.builds(Span, TEXTS, st.sampled_from(Tone))
LINES = st.builds(
    Line,
    st.lists(SPANS, max_size=3).map(tuple),
    st.integers(0, 4),
    st.lists(SPANS, max_size=2).map(tuple) | st.just(()),
)
DIFFS = st.builds(
    Diff, st.lists(TEXTS, max_size=2).map(tuple), st.lists(TEXTS, max_size=1).map(tuple), st.integers(0, 4)
)
ITEMS = st.builds(
    Item,
    TEXTS,
    LINES,
    st.just(()),
    st.lists(LINES, max_size=1).map(tuple),
    st.lists(DIFFS | LINES, max_size=2).map(tuple),
)
SECTIONS = st.builds(
    Section, st.lists(ITEMS, max_size=2).map(tuple), st.just(()), st.lists(SPANS, max_size=1).map(tuple)
)
DOCUMENTS = st.builds(
    Document,
    name=st.just("push"),
    title=TEXTS,
    stack=TEXTS,
    about=TEXTS,
    blocks=st.lists(LINES | st.just(Gap()) | st.builds(Code, TEXTS) | DIFFS | SECTIONS, max_size=3).map(tuple),
    summary=TEXTS,
    closing=st.lists(LINES, max_size=2).map(tuple),
)


@given(DOCUMENTS, st.integers(20, 40))
@example(Document("push", "local", blocks=(Line(words("a" * 20)), Gap(), Line(words("b "), 2))), 20)
@example(Document("push", summary="a" * 21), 20)
def test_short_lines_are_the_same_however_they_are_drawn(document, width):
    assert text.render(document, width=width) == laid_out(document, width)


def test_short_lines_load_nothing_that_lays_out():
    program = (
        "import sys\n"
        "from entra_deployer.reports import render\n"
        "from entra_deployer.reports.document import Document, Gap, Item, Line, Section, Span, words\n"
        "change = Item('R', Line(words('R'), lead=(Span('✓'), Span('+'), Span('rule  '))), ())\n"
        "blocks = (Gap(), Section((change,), ()), Gap())\n"
        "document = Document('push', 'local', 'Kibana 8.19', '2 hunts read', blocks, 'Pushed.')\n"
        "sys.stdout.write(render(document, 'text'))\n"
        "sys.stdout.write(str([name for name in sys.modules if name.startswith('rich')]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "local  Kibana 8.19\n2 hunts read\n\n✓ + rule   R\n\nPushed.\n[]"
