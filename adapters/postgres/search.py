"""Searching as people type: the word that is not finished yet, and the words that were found."""

import html
import re
from dataclasses import dataclass
from typing import Final

MARK_ON: Final = "\x02"
MARK_OFF: Final = "\x03"
LESS_THAN: Final = "\ue002"
"""What stands for `<` while words are marked, for the database drops what looks like a tag."""

EXCERPT_BEFORE: Final = 80
EXCERPT_LENGTH: Final = 300

_LAST_WORD: Final = re.compile(r'[^\s"]+\Z')


@dataclass(frozen=True)
class TypedSearch:
    """A search in two parts: what stands fast, and the word at its end that is still being typed, if any."""

    head: str
    last_word: str | None

    @property
    def prefix(self) -> str:
        """The last word as a tsquery of everything that begins with it."""
        if self.last_word is None:
            return ""
        escaped = self.last_word.replace("\\", "\\\\").replace("'", "''")
        return f"'{escaped}':*"


def typed(search: str) -> TypedSearch:
    """Take a search apart.

    A space or quote finishes the last word; a word that is excluded, or an `or`, is taken as it is.
    """
    last = _LAST_WORD.search(search)
    if last is None or last[0].startswith("-") or last[0].lower() == "or":
        return TypedSearch(search, None)
    return TypedSearch(search[: last.start()], last[0])


def excerpt(marked: str) -> str:
    """Cut out the part of a marked text around its first mark, as HTML with nothing but `<mark>` in it."""
    text = _flat(marked)
    first = max(text.find(MARK_ON), 0)
    start = max(first - EXCERPT_BEFORE, 0)
    if start:
        start = text.find(" ", start, first) + 1 or start
    end = start + EXCERPT_LENGTH
    part = text[start:end]
    if part.count(MARK_ON) > part.count(MARK_OFF):
        part += MARK_OFF
    cut = ("…" if start else "") + part + ("…" if end < len(text) else "")
    escaped = html.escape(cut.replace(LESS_THAN, "<"))
    return escaped.replace(MARK_ON, "<mark>").replace(MARK_OFF, "</mark>")


def _flat(marked: str) -> str:
    """Drop marks within marks."""
    depth, kept = 0, []
    for character in marked:
        if character == MARK_OFF:
            depth -= 1
        if depth == 0 or character not in (MARK_ON, MARK_OFF):
            kept.append(character)
        if character == MARK_ON:
            depth += 1
    return "".join(kept)
