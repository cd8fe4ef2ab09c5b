"""Tags: how they are cleaned, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bp_core.practices.tags import MAX_TAG_LENGTH, clean_tag, without_repeats


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("Brazing", "brazing"),
        ("  Leak \t  Test\n", "leak test"),
        ("ब्रेज़िंग", "ब्रेज\u093cिंग"),
        ("क्\u200dष", "क्ष"),
        ("e\u0301nergie", "énergie"),
        ("STRASSE ÄÖ", "strasse äö"),
        ("5S", "5s"),
        ("cost/year & co-2 v1.0_b #1+", "cost/year & co-2 v1.0_b #1+"),
        ("x" * 40, "x" * 40),
        (" " * 100 + "x" * 40, "x" * 40),
    ],
)
def test_a_tag_is_in_lower_case_with_single_spaces(text: str, tag: str) -> None:
    assert clean_tag(text) == tag


@pytest.mark.parametrize("text", ["x" * 41, "x" * 1_000_000, " " * 201, "\u0301" * 500_000, "ब" * 41])
def test_a_tag_has_at_most_forty_characters(text: str) -> None:
    with pytest.raises(ValueError, match="must have at most 40 characters"):
        clean_tag(text)


@pytest.mark.parametrize(
    "text", ["", "  ", "a,b", "a;b", "a\x00b", "=1", "-1", "+1", "@x", "#1", "/x", "'a", 'a"b', "<b>", "🙂",
             "\u0301a", "a\u202eb", "\u200d", "a\\b", "a:b", "\ud800"]
)  # fmt: skip
def test_what_is_no_tag_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must begin with a letter or digit"):
        clean_tag(text)


@given(st.text(max_size=60))
def test_a_clean_tag_stays_as_it_is(text: str) -> None:
    try:
        tag = clean_tag(text)
    except ValueError:
        return
    assert 1 <= len(tag) <= MAX_TAG_LENGTH
    assert clean_tag(tag) == tag
    assert not set(tag) & set(",;\x00\n")


def test_each_tag_is_kept_once_in_its_first_place() -> None:
    assert without_repeats(["b", "a", "b", "c", "a"]) == ["b", "a", "c"]
