import pytest

from adapters.postgres.search import MARK_OFF, MARK_ON, TypedSearch, excerpt


def marked(text: str) -> str:
    """Replace [ and ] by the marks of the database."""
    return text.replace("[", MARK_ON).replace("]", MARK_OFF)


@pytest.mark.parametrize(
    ("search", "head", "last_word"),
    [
        ("scr", "", "scr"),
        ("less scr", "less ", "scr"),
        ("a or b", "a or ", "b"),
        ('"less scr', '"less ', "scr"),
        ('"less" scr', '"less" ', "scr"),
        ("scr ", "scr ", None),
        ("scr\n", "scr\n", None),
        ('"less scr"', '"less scr"', None),
        ("less -scr", "less -scr", None),
        ("less OR", "less OR", None),
        ("", "", None),
    ],
)
def test_the_last_word_is_unfinished_unless_something_ends_it(
    search: str, head: str, last_word: str | None
) -> None:
    assert TypedSearch.of(search) == TypedSearch(search, head, last_word)


def test_an_unfinished_word_is_quoted() -> None:
    assert TypedSearch.of("it's\\").prefix == "'it''s\\\\':*"
    assert TypedSearch.of("done ").prefix == ""


def test_marks_become_html_and_everything_else_is_escaped() -> None:
    assert excerpt(marked("a \ue002b> & [c]\"'")) == "a &lt;b&gt; &amp; <mark>c</mark>&quot;&#x27;"


def test_marks_inside_marks_are_removed() -> None:
    assert excerpt(marked("[[brazing]] [energy-[saving]]")) == (
        "<mark>brazing</mark> <mark>energy-saving</mark>"
    )


def test_a_long_text_is_cut_around_its_first_mark_at_a_word() -> None:
    shown = excerpt(marked("word " * 100 + "[found] " + "more " * 100))

    assert shown.startswith("…word ")
    assert "<mark>found</mark> more" in shown
    assert shown.endswith("…")
    assert len(shown) < 330


def test_a_mark_that_is_cut_is_closed() -> None:
    shown = excerpt(marked("[" + "x" * 400 + "]"))

    assert (shown.count("<mark>"), shown.count("</mark>")) == (1, 1)


def test_a_text_without_marks_is_shown_from_its_beginning() -> None:
    assert excerpt("plain " * 100).startswith("plain plain")
