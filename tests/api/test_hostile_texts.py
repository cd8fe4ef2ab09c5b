"""Any text in any search, filter or practice is accepted, or refused with 422; none is an internal error."""

from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.world import Person, World, invalid, refusal_of

OPERATORS: Final = st.sampled_from(
    ["-", "- ", "--", '"', '-"', "'", "\\", ":*", ":", "*", "<->", "&", "|", "!", "(", ")", "or ", " OR ",
     " ", "\t", "\n", "%", "_", "a", "the ", "x-y",
     "zq0last0word", "ब्रे", "🙂", "\u200b", "\ue002", "\x02", "\x03"]
)  # fmt: skip
PIECES: Final = st.one_of(OPERATORS, st.characters(exclude_categories=["Cs"]))
SEARCHES: Final = st.one_of(
    st.lists(PIECES, min_size=1, max_size=60).map("".join),
    st.builds(lambda piece, times: piece * times, OPERATORS, st.integers(1, 200)),
)
LISTS: Final = ("/best-practices", "/best-practices/my-practices", "/best-practices/export", "/users")

HYPHENATED: Final = "".join(f"{chr(0x20000 + number)}-" for number in range(10_000))
"""20,000 characters that make the most bytes of a search document: each part, and the whole word."""

LARGEST: Final = {
    "hyphens": HYPHENATED,
    "short words": "".join(f"{chr(0x20000 + number)}{chr(0x21000 + number)} " for number in range(6_666)),
    "words of 2 kB": " ".join(f"{number}" + "x" * 2040 for number in range(9)),
    "one word": "ü" * 20_000,
    "addresses": " ".join(f"a{number}.example.com/b{number}/c?d={number}" for number in range(500)),
    "apostrophes": "'" * 20_000,
    "backslashes": "\\" * 20_000,
    "numbers": " ".join(f"-{number}.{number}e{number}" for number in range(1_000)),
}  # fmt: skip

FUZZED: Final = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)


@pytest.fixture
def readers(world: World) -> tuple[Person, Person]:
    """A plant user and a user of headquarters, and one practice that everybody sees."""
    author = world.plant_user()
    world.practice(author, "submitted")
    return author, world.headquarters()


@pytest.mark.parametrize("search", ["- " * 100, "-" * 200, "-!" * 100, "-&" * 21, "a " * 21])
def test_a_search_of_more_than_20_words_or_hyphens_is_refused(
    readers: tuple[Person, Person], search: str
) -> None:
    for sort_by in ("submitted_date", "relevance"):
        response = readers[0].get("/best-practices", search=search, sort_by=sort_by)
        assert refusal_of(response) == invalid("search")
    [fault] = response.json()["error"]["details"]
    assert fault["message"] == "must have at most 20 words, and at most as many hyphens"


@pytest.mark.parametrize("search", ["- " * 20, "-" * 20, "-!" * 20, "a " * 20, "ab " * 20, "- or " * 10])
def test_a_search_of_20_words_or_hyphens_is_answered(readers: tuple[Person, Person], search: str) -> None:
    for sort_by in ("submitted_date", "relevance"):
        assert readers[0].get("/best-practices", search=search, sort_by=sort_by).status_code == 200


def test_no_search_is_an_internal_error(readers: tuple[Person, Person]) -> None:
    author, hq = readers
    statuses = set()

    @FUZZED
    @given(SEARCHES)
    def search_everywhere(text: str) -> None:
        for path in LISTS:
            reader = author if path.endswith("my-practices") else hq
            response = reader.get(path, search=text)
            assert response.status_code in (200, 422), (path, text)
            statuses.add(response.status_code)
        for name in ("area", "tag", "status"):
            assert author.get("/best-practices", **{name: text}).status_code in (200, 422), (name, text)
        assert hq.get("/audit", entity=text).status_code in (200, 422), text

    search_everywhere()
    assert statuses == {200, 422}


def test_no_text_of_an_idea_is_an_internal_error(readers: tuple[Person, Person]) -> None:
    author, _ = readers

    @FUZZED
    @given(SEARCHES, SEARCHES, st.integers(1, 500))
    def compare(title: str, problem: str, times: int) -> None:
        idea = {"title": title, "problem_statement": problem * times}
        assert author.post("/best-practices/similar", idea).status_code in (200, 422), idea

    compare()


@pytest.mark.parametrize("text", LARGEST.values(), ids=LARGEST)
def test_the_largest_texts_are_stored_and_found_again(world: World, text: str) -> None:
    author = world.plant_user()
    body: dict[str, Any] = {
        "title": text[:500].strip(),
        **dict.fromkeys(("description", "problem_statement", "solution"), text),
        "benefits": [part for start in range(0, 20_000, 400) if (part := text[start:][:1000]).strip()],
        "area_implemented": text[:500],
    }
    practice = world.practice(author, "submitted", **body)
    for field in ("description", "problem_statement", "solution"):
        assert practice[field] == text
    likeness = {"title": body["title"], "problem_statement": text}
    assert author.post("/best-practices/similar", likeness).status_code == 200
    assert author.get(f"/best-practices/{practice['id']}/similar").status_code == 200
    assert author.get("/best-practices", search=text[:40]).status_code == 200
