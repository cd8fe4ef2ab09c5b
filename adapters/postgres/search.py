"""Full-text search while the user types: prefixes of words, and excerpts with the found words marked."""

import html
import re
from dataclasses import dataclass
from typing import Any, Final

from psycopg import sql

MARK_ON: Final = "\x02"
MARK_OFF: Final = "\x03"
LESS_THAN: Final = "\ue002"
"""Replaces `<` while words are marked: ts_headline removes what looks like a tag."""

EXCERPT_BEFORE: Final = 80
EXCERPT_LENGTH: Final = 300

MARKED_LENGTH: Final = 4_000
"""How much of each text of a practice is searched for words to mark, in characters: marking is slow."""

_LAST_WORD: Final = re.compile(r'[^\s"]+\Z')


# The words of a search as a tsquery.
WORDS: Final = sql.SQL("websearch_to_tsquery('english', %(search)s)")

# The same for a search whose last word may be incomplete. It must match as a stem and as a prefix, but
# websearch_to_tsquery does not support prefixes. So the last word is replaced by a unique placeholder, and
# ts_rewrite replaces the placeholder by (stem | prefix). For "leaking bra":
#   websearch_to_tsquery('leaking ' || 'zq0last0word')  ->  'leak' & 'zq0last0word'
#   ts_rewrite(..., 'zq0last0word', 'bra' | 'bra':*)    ->  'leak' & ( 'bra' | 'bra':* )
WORDS_BEING_TYPED: Final = sql.SQL("""ts_rewrite(
    websearch_to_tsquery('english', %(head)s || 'zq0last0word'), 'zq0last0word'::tsquery,
    websearch_to_tsquery('english', %(last_word)s) || to_tsquery('simple', %(prefix)s)
)""")

# Words are marked twice: where their stems match, and where the prefix matches.
HEADLINE: Final = sql.SQL("""ts_headline('simple', ts_headline('english',
    translate(concat_ws(E'\\n', p.title, left(p.problem_statement, %(marked)s),
                        left(p.solution, %(marked)s), left(p.description, %(marked)s),
                        left((SELECT string_agg(benefit, E'\\n')
                              FROM jsonb_array_elements_text(p.benefits) benefit), %(marked)s),
                        p.area_implemented, array_to_string(p.tags, ', ')),
              %(less_than)s, %(replacements)s),
    {words}, %(marking)s), to_tsquery('simple', %(prefix)s), %(marking)s)""")


@dataclass(frozen=True)
class TypedSearch:
    """A search, split into its complete words and the last word, if that may be incomplete."""

    text: str
    head: str
    last_word: str | None

    @classmethod
    def of(cls, text: str) -> "TypedSearch":
        """Split a search.

        A space or quote completes the last word. An excluded word, or an `or`, is treated as complete.
        """
        last = _LAST_WORD.search(text)
        if last is None or last[0].startswith("-") or last[0].lower() == "or":
            return cls(text, text, None)
        return cls(text, text[: last.start()], last[0])

    @property
    def prefix(self) -> str:
        """The tsquery of all words that start with the last word."""
        if self.last_word is None:
            return ""
        escaped = self.last_word.replace("\\", "\\\\").replace("'", "''")
        return f"'{escaped}':*"

    @property
    def tsquery(self) -> sql.SQL:
        """The SQL expression of the search's tsquery."""
        return WORDS if self.last_word is None else WORDS_BEING_TYPED

    @property
    def headline(self) -> sql.Composed:
        """The SQL expression of a practice's text with the found words marked."""
        return HEADLINE.format(words=self.tsquery)

    @property
    def values(self) -> dict[str, Any]:
        """The parameters of both expressions."""
        return {
            "head": self.head,
            "last_word": self.last_word,
            "prefix": self.prefix,
            "marked": MARKED_LENGTH,
            "marking": f'HighlightAll=true, StartSel="{MARK_ON}", StopSel="{MARK_OFF}"',
            "less_than": f"<{MARK_ON}{MARK_OFF}",
            "replacements": LESS_THAN,
        }


def excerpt(marked: str) -> str:
    """Return an excerpt of a marked text around the first mark, as HTML with `<mark>` as the only tag."""
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
    """Remove nested marks."""
    depth, characters = 0, []
    for character in marked:
        if character == MARK_OFF:
            depth -= 1
        if depth == 0 or character not in (MARK_ON, MARK_OFF):
            characters.append(character)
        if character == MARK_ON:
            depth += 1
    return "".join(characters)
