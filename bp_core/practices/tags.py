"""Tags of practices: short words in lower case, by which practices are found."""

import unicodedata
from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

from bp_core.shared.schemas import one_or_several, split_at_commas

MAX_TAGS: Final = 10
MAX_TAG_LENGTH: Final = 40

MAX_RAW_LENGTH: Final = 200
"""The longest text that is cleaned, in characters: normalization of a long text can take very long."""

PUNCTUATION: Final = frozenset(" -_.+&/#")
"""What a tag may contain beside letters, their marks, and digits. Commas separate tags in lists."""

JOINERS: Final = str.maketrans(dict.fromkeys("\u200c\u200d"))
"""Invisible joiners of Indic scripts: two tags must not differ only in what nobody sees."""


def clean_tag(text: str) -> str:
    """Return a tag in lower case, with single spaces and normal forms of letters (NFC).

    Raises ValueError if the text is no tag.
    """
    if len(text) > MAX_RAW_LENGTH:
        raise ValueError(f"must have at most {MAX_TAG_LENGTH} characters")
    tag = " ".join(unicodedata.normalize("NFC", text.translate(JOINERS).lower()).split())
    if len(tag) > MAX_TAG_LENGTH:
        raise ValueError(f"must have at most {MAX_TAG_LENGTH} characters")
    if not tag[:1].isalnum() or not all(_is_allowed(character) for character in tag):
        raise ValueError(
            "must begin with a letter or digit, and have only letters, digits, spaces and - _ . + & / #"
        )
    return tag


def without_repeats(tags: Iterable[str]) -> list[str]:
    """Return the tags in their order, each once."""
    return list(dict.fromkeys(tags))


def _is_allowed(character: str) -> bool:
    return character in PUNCTUATION or unicodedata.category(character)[0] in "LMN"


LENGTHS: Final[dict[str, JsonValue]] = {"minLength": 1, "maxLength": MAX_TAG_LENGTH}

Tag = Annotated[str, AfterValidator(clean_tag), Field(json_schema_extra=LENGTHS)]
"""A tag of a request."""

Tags = Annotated[list[Tag], Field(max_length=MAX_TAGS), AfterValidator(without_repeats)]
"""The tags of a practice in a request."""

TagFilter = Annotated[
    Tags,
    BeforeValidator(split_at_commas),
    Field(min_length=1),
    one_or_several({"type": "string", **LENGTHS}, MAX_TAGS),
]
"""Tags in a query, separated by commas."""
