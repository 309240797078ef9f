import pytest

from tabard.policy.pattern import Wild, arn_glob, glob, is_literal, split_arn, text_of, tokens_of


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("**", "anything", True),
        ("a", "a", True),
        ("a", "A", False),
        ("a*", "a", True),
        ("*a", "ba", True),
        ("*a", "ab", False),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("a*b*c", "a-b-b-c", True),
        ("*ab*ab*", "abab", True),
        ("*ab*ab*", "aba", False),
        ("?", "", False),
        ("?", "ab", False),
        ("a?c*", "abcd", True),
        ("*a?c", "xabc", True),
        ("*?a?*", "aba", False),
        ("*?a?*", "bab", True),
        ("x*a?b*y", "xaabacby", True),
        ("a\n*", "a\nb", True),
        ("a*b?c*d", "abcd", False),
    ],
)
def test_a_pattern_matches_the_whole_text(pattern, text, expected):
    assert glob(tokens_of(pattern))(text) is expected


def test_a_literal_token_is_never_a_wildcard():
    matches = glob(("b/", "*", Wild.ANY))
    assert matches("b/*/x")
    assert not matches("b/other")


def test_tokens_and_text_are_two_spellings_of_one_pattern():
    tokens = tokens_of("a*b?c")
    assert tokens == ("a", Wild.ANY, "b", Wild.ONE, "c")
    assert text_of(tokens) == "a*b?c"
    assert not is_literal(tokens)
    assert is_literal(tokens_of("abc"))


def test_an_arn_is_split_at_its_first_five_colons():
    assert split_arn(tokens_of("arn:aws:s3:::b")) == (("arn",), ("aws",), ("s3",), ("",), ("",), ("b",))
    parts = split_arn(tokens_of("arn:*:iam::1?:role/a:b*"))
    assert parts is not None
    assert [text_of(part) for part in parts] == ["arn", "*", "iam", "", "1?", "role/a:b*"]
    assert split_arn(tokens_of("arn:aws:s3")) is None


def test_a_star_in_an_arn_stays_within_its_part():
    parts = split_arn(tokens_of("arn:aws:iam::*:role/x"))
    assert parts is not None
    matches = arn_glob(parts)
    assert matches("arn:aws:iam::111122223333:role/x")
    assert not matches("arn:aws:iam::1:user/a:role/x")
    assert not matches("role/x")
