"""Texts for regular expressions."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.esql.patterns import regex
from entra_deployer.verify.generate.constraints import Constraint, Kind, holds


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("abc", "abc"),
        (".*Allow.*", "zAllowz"),
        ("(.*)/app/(.*)", "z/app/z"),
        ("AddPermission.*", "AddPermissionz"),
        ("[0-9a-f]{8}-[0-9]{2,}", "00000000-00"),
        ("^(login|portal)\\.example$", "login.example"),
        ("a+b?c*", "a"),
        (".+", "z"),
        ("[^abc]x", "xx"),
        ("\\d\\w", "0a"),
        ("(?:ab)+", "ab"),
    ],
)
def test_an_example_is_short_and_matches(pattern, text):
    assert regex.example(pattern, "z") == text
    assert regex.matches(pattern, text)


@pytest.mark.parametrize("pattern", ["(a", "a)", "[a"])
def test_what_is_not_read_has_no_example(pattern):
    assert regex.try_example(pattern) is None
    with pytest.raises(regex.UnreadablePattern, match=r"cannot read|lacks"):
        regex.example(pattern)


PIECES = st.sampled_from(["a", "b.c", "\\.", "[a-f]", "[0-9]+", ".*", "(x|y)", "d?", "e{2}", "(f.*g)*", "@"])


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=5).map("".join), st.sampled_from(["", "q7"]))
def test_every_example_matches_its_pattern(pattern, filler):
    assert regex.matches(pattern, regex.example(pattern, filler))


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet='ab*?\\.+"[', max_size=8).filter(lambda text: not text.endswith("\\")))
def test_every_like_pattern_has_an_example_that_it_likes(pattern):
    example = regex.example(regex.like_to_regex(pattern), "q")
    assert holds(Constraint(Kind.LIKE, pattern), example)
    assert not holds(Constraint(Kind.UNLIKE, pattern), example)


@pytest.mark.parametrize(
    ("lucene", "python"),
    [
        ("^a$", r"\^a\$"),
        ("a.+*b", "a.*b"),
        ("a++", "a+"),
        ('"a.b"c', r"(?:a\.b)c"),
        (r"\.\d[a-z\]]+", r"\.\d[a-z\]]+"),
        ("(a|b){2,3}", "(a|b){2,3}"),
        ("[^a-z].", "[^a-z]."),
        ("a@", "a(?:.*)"),
        ("(?i)a", r"(\?i)a"),
        ("(?:a|*b)", r"(\?:a|\*b)"),
        ("a}]", r"a\}\]"),
        ("(a|{b})", r"(a|\{b\})"),
        ("[a&&[b]", r"[a\&\&\[b]"),
    ],
)
def test_lucenes_dialect_is_put_into_pythons(lucene, python):
    assert regex.from_lucene(lucene) == python


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        (".*a.*&.*b", ["ab", "bab"], ["a", "ba", "b"]),
        (".*&&b", ["&b"], ["b", "x&&b"]),
        ("a|.*b&c.*", ["a", "cb"], ["b", "c", "ca"]),
        ("&a", ["&a"], ["a"]),
        ("x~1y", ["xy", "x2y", "x11y"], ["x1y", "x"]),
        ("x~[ab]", ["x", "xab", "xc"], ["xa", "a"]),
        ("~(ab)", ["", "a", "abc"], ["ab"]),
        ("v<8-12>", ["v8", "v012"], ["v7", "v13", "v"]),
        ("v<08-12>", ["v08", "v12"], ["v8", "v012"]),
        ("a#|b", ["b"], ["a", "a#"]),
    ],
)
def test_signs_of_lucene_mean_what_they_mean_to_it(pattern, matching, other):
    python = regex.from_lucene(pattern)
    assert [regex.matches(python, text) for text in (*matching, *other)] == [True] * len(matching) + [False] * len(
        other
    )


@pytest.mark.parametrize("pattern", ["(a&b)c", "~(a)b", "a<1-99999>", "~", "a{b"])
def test_what_has_no_counterpart_in_python_is_not_read(pattern):
    with pytest.raises(ValueError, match="cannot read"):
        regex.from_lucene(pattern)


@pytest.mark.parametrize(
    ("pattern", "never"),
    [
        ("(?i).*cmd.*&&.*clip.*", True),
        ("cmd.*&.*clip", False),
        (".*cmd&&clip", False),
        ("(?i)a.*&&.*(b|c)", True),
        ("a(b|c)&ad.*", False),
        ("a.*&b.*|c", False),
        ("(a|b).*&c.*", False),
        ("a?b&c.*", False),
        ("a#b", True),
        ("a#*b", False),
        ("a|#", False),
        (r"\.a&x", True),
    ],
)
def test_a_pattern_that_no_text_matches_is_known(pattern, never):
    assert regex.never_matches(pattern) is never


ODD = st.text(alphabet='ab1 ,-^$.*+?|()[]{}<>:=!&~@#"\\/dwsbhpkxQEz\n\u00e9', max_size=14)


@settings(max_examples=400, deadline=None)
@given(ODD, st.sampled_from([str, regex.from_lucene, regex.like_to_regex]))
def test_any_text_is_a_pattern_with_an_example_or_is_refused(pattern, dialect):
    with suppress(regex.UnreadablePattern):
        python = dialect(pattern)
        assert regex.matches(regex.read(python).python, regex.example(python, "q"))


@pytest.mark.parametrize("pattern", ["(" * 600 + ")" * 600, "a" * 20_000, "a{9999999999}", "((a{900}){900}){900}"])
def test_what_is_too_large_is_refused(pattern):
    with pytest.raises(regex.UnreadablePattern):
        regex.example(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"[^,}\]]+", "x"),
        ("[]a]b", "]b"),
        ("[^]x]", "y"),
        ("[[:alpha:]_]+", "a"),
        (r"[a\-z]", "a"),
        (r"\h{2}", "00"),
        ("a++b*+", "a"),
        ("(?i)ABC", "ABC"),
        ("x(?i)abc|d", "xabc"),
        ("(?i:q)", "q"),
        ("(?<name>a|b)c", "ac"),
        ("(?!no)yes", "yes"),
        ("(?>ab)c", "abc"),
        ("{a}", "{a}"),
        ("[--/]", "-"),
    ],
)
def test_the_dialect_of_grok_is_put_into_pythons(pattern, text):
    assert regex.example(pattern) == text


def test_an_example_takes_another_alternative_and_another_character_by_choice():
    assert [regex.example("(ab|cd|[0-9]{3})", "", choice) for choice in range(3)] == ["ab", "cd", "222"]


@pytest.mark.parametrize("pattern", [r"\u0041", r"\x41", r"\x{41}"])
def test_a_character_by_its_number_is_read_as_java_reads_it(pattern):
    assert regex.matches(regex.read(pattern).python, "A")
