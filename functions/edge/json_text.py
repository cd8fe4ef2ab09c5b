"""JSON texts of requests: what is checked before they are parsed, so that a bad one is cheap to refuse."""

import json
import re
from collections import Counter
from typing import Any, Final

from bp_core.shared.errors import BadRequest, Invalid

MAX_TOKENS: Final = 4000
"""How many texts, brackets and commas a body may have. A practice with everything in it has about 300."""

MAX_DEPTH: Final = 50
"""How deep arrays and objects may be nested; no request model has more than three levels."""

# A text that does not end is one token, too: otherwise each quote in it would be tried as a beginning.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)


def require_simple(text: bytes) -> None:
    """Check that a JSON text has few values, is not nested deeply, and names nothing twice.

    A bad text takes no longer than a good one: the first step stops at the limits, and only
    a text within them is parsed. Raises BadRequest, Invalid. A text that is no JSON may pass.
    """
    _require_few_tokens(text)
    try:
        json.loads(text, object_pairs_hook=_unique)
    except ValueError:
        return  # the validation that follows says what is wrong


def _require_few_tokens(text: bytes) -> None:
    depth = 0
    for count, token in enumerate(_TOKEN.finditer(text), start=1):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
        if depth > MAX_DEPTH:
            raise BadRequest(f"The body is not JSON of at most {MAX_DEPTH} levels.")
        if count > MAX_TOKENS:
            raise Invalid.of("body", f"has more than {MAX_TOKENS} texts, brackets and commas")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object. Raises Invalid if a name is in it twice: another reader might take the other one."""
    found = dict(pairs)
    if len(found) < len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise Invalid.of(name, "is in the object more than once")
    return found
