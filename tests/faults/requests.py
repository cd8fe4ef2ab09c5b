"""Requests that are changed at random: bodies, forms, queries, cursors, headers, and which call they are for.

Everything follows from the random generator and the ids that there are.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from urllib.parse import quote

from functions.edge.declaration import Endpoint
from functions.edge.endpoint import ENDPOINTS
from tests.faults.mutations import Sample
from tests.world import COMPLETE

ENDING: Final = frozenset(
    {"logout", "change_password", "end_session", "deactivate_user", "edit_user", "reset_password"}
)
"""Calls that end the sessions of those who send the requests."""

CALLS: Final = [endpoint for endpoint in ENDPOINTS.values() if endpoint.name not in ENDING]

SOME_ID: Final = "00000000-0000-4000-8000-000000000000"
BOUNDARY: Final = b"edge"

VALUES: Final[Sequence[Any]] = (
    None, True, False, 0, 1, -1, 5, 2026, 1e308, -0.0, 2**31, 2**63, -(2**63), 10**30, 0.1, "", " ", "x",
    "0", "1", "draft", "submitted", "approved", "lakhs", "crores", "annually", "monthly", "hq", "plant",
    "before", "image", "document", "joint.jpg", "image/jpeg", "a@b.test", "2026-08-01", "2026-02-30",
    "9999-12-31", "0000-01-01", "\0", "\ud800", "\u202e", "\ufeff", "a" * 501, "\u0928" * 2001,
    "'; DROP TABLE users; --", "%", "_", "\\", "<b>", "=1+1", "\r\nX: y", [], {}, [[]], [None], ["x"] * 11,
    {"x": {"y": []}}, SOME_ID,
)  # fmt: skip
"""Values of fields, right for some and wrong for most."""

RAW: Final = (
    b"", b"null", b"[]", b'""', b"0", b"{", b"}", b"[[[[", b"NaN", b"Infinity", b"\xff\xfe{\0}\0",
    b"\xef\xbb\xbf{}", b'{"title":NaN}', b'{"title":1e999}', b'{"title":"\\ud800"}',
    b'{"title":"\xed\xa0\x80"}', b'{"title":"\xff"}', b'{"title":"x","title":"y"}',
    b'{"a":' * 200 + b"1" + b"}" * 200, b"[" * 100_000, b'{"title":' + b"9" * 5000 + b"}", b'{"\\u0000":1}',
    b'{"title":"' + b"x" * 200_000 + b'"}', b"\0" * 100, b"{}" * 1000, b"-", b'{"title":-}',
)  # fmt: skip
"""Bodies that are not as JSON for a call is."""

ODD_HEADERS: Final = (
    (b"Content-Type", b""), (b"Content-Type", b"text/plain"),
    (b"Content-Type", b"application/json; charset=utf-16"), (b"Content-Type", b"multipart/form-data"),
    (b"Content-Type", b"multipart/form-data; boundary=\xff"), (b"Accept", b"text/html"),
    (b"Accept-Language", b"\xff\xfe" * 100), (b"Origin", b"null"),
    (b"X-Forwarded-For", b"999.1.1.1, ::, x"), (b"X-Forwarded-For", b"1," * 2000),
    (b"X-Request-ID", b"\x7f" * 300), (b"traceparent", b"00-zz-zz-01"), (b"Idempotency-Key", b""),
    (b"Idempotency-Key", b"k" * 300), (b"Idempotency-Key", b"\xc3\x28"), (b"Idempotency-Key", b"one"),
    (b"Idempotency-Key", b"two"), (b"If-Match", b"*"), (b"If-Match", b'"1"'), (b"If-Match", b'W/"1"'),
    (b"If-Match", b'"'), (b"If-Match", b","), (b"If-Match", b'"1",' * 3000),
    (b"If-Match", b'"99999999999999999999"'), (b"If-None-Match", b"\xff"), (b"Cookie", b"a=" + b"b" * 5000),
    (b"Range", b"bytes=0-0"), (b"Expect", b"100-continue"), (b"TE", b"trailers"),
    (b"Content-Encoding", b"gzip"), (b"X-HTTP-Method-Override", b"DELETE"), (b"Host", b"elsewhere.test"),
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    """A request as it is sent."""

    method: str
    target: str
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes

    @property
    def raw(self) -> bytes:
        """Its bytes; the connection ends with the response."""
        lines = [f"{self.method} {self.target} HTTP/1.1".encode("latin-1", "replace"), b"Connection: close"]
        names = {name.lower() for name, _ in self.headers}
        if b"host" not in names:
            lines.append(b"Host: portal.test")
        lines += [name + b": " + value for name, value in self.headers]
        lines += [b"Content-Length: %d" % len(self.body), b"", b""]
        return b"\r\n".join(lines) + self.body


@dataclass
class Known:
    """What requests can name: tokens, and ids by the names of the parameters that take them."""

    tokens: Sequence[str]
    ids: Mapping[str, Sequence[str]]
    samples: Sequence[Sample]
    cursors: list[str] = field(default_factory=list)


def changed_request(random: Random, known: Known) -> tuple[Endpoint, Request]:
    """Make a request."""
    endpoint = random.choice(CALLS)
    target = _path(random, endpoint, known) + _query(random, endpoint, known)
    content_type, body = _body(random, endpoint, known)
    headers = [*_authorization(random, known), *content_type]
    headers += random.sample(ODD_HEADERS, random.choice((0, 0, 0, 1, 3)))
    if random.random() < 0.01:
        headers += [(b"X-%d" % number, b"x" * 20) for number in range(random.choice((50, 2000)))]
    return endpoint, Request(endpoint.method, target, _single(headers), body)


def _single(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Each header once, the last of its name: two lengths or hosts are another matter."""
    return list({name.lower(): (name, value) for name, value in headers}.values())


def _path(random: Random, endpoint: Endpoint, known: Known) -> str:
    path = endpoint.route
    for name in endpoint.inputs.path_ids:
        chosen = random.choice((*known.ids.get(name, ()), *known.ids.get(name, ()), SOME_ID))
        if random.random() < 0.03:
            chosen = random.choice(
                ("x", "%00", "..", "%2e%2e", chosen[:-1], chosen.upper(), f"{{{chosen}}}", "%ff")
            )
        path = path.replace(f"{{{name}:guid}}", chosen)
    return path if path.startswith("/") else f"/{path}"


def _query(random: Random, endpoint: Endpoint, known: Known) -> str:
    names = list(endpoint.inputs.query.model_fields)
    chosen = random.sample(names, random.randint(0, min(4, len(names))))
    if random.random() < 0.05:
        chosen += [
            random.choice(("x", "limit", "%ff", "a[]", "")) for _ in range(random.choice((1, 60, 300)))
        ]
    if not chosen:
        return ""
    return "?" + "&".join(f"{name}={_query_value(random, name, known)}" for name in chosen)[:12_000]


def _query_value(random: Random, name: str, known: Known) -> str:
    if name == "cursor" and known.cursors:
        return quote(_changed_cursor(random, random.choice(known.cursors)), safe="")
    value = random.choice((*VALUES, *known.ids.get(name, ()), 1, 2, "2026", "12"))
    text = value if isinstance(value, str) else json.dumps(value)
    return quote(text.encode("utf-8", "surrogatepass")[:3000]) if random.random() < 0.95 else "%zz%"


def _changed_cursor(random: Random, cursor: str) -> str:
    """A cursor with other bits, inside of its encoding or outside."""
    data = bytearray(cursor.encode())
    if random.random() < 0.5:
        data[random.randrange(len(data))] ^= 1 << random.randrange(7)
        return data.decode("latin-1")
    inner = bytearray(base64.urlsafe_b64decode(bytes(data) + b"=" * (-len(data) % 4)))
    for _ in range(random.choice((1, 1, 5))):
        inner[random.randrange(len(inner))] ^= 1 << random.randrange(8)
    return base64.urlsafe_b64encode(bytes(inner)).rstrip(b"=").decode()


def _authorization(random: Random, known: Known) -> list[tuple[bytes, bytes]]:
    token = random.choice(known.tokens).encode()
    if random.random() < 0.9:
        return [(b"Authorization", b"Bearer " + token)]
    changed = bytearray(token)
    changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    odd = (
        b"",
        b"Bearer",
        b"Bearer ",
        token,
        b"Basic " + token,
        b"Bearer " + bytes(changed),
        b"Bearer \xff",
        b"Bearer a.b.c",
    )
    value = random.choice(odd).replace(b"\r", b"").replace(b"\n", b"")
    return [(b"Authorization", value)] if random.random() < 0.8 else []


def _body(random: Random, endpoint: Endpoint, known: Known) -> tuple[list[tuple[bytes, bytes]], bytes]:
    if endpoint.inputs.form is not None:
        return [(b"Content-Type", b"multipart/form-data; boundary=" + BOUNDARY)], _form(
            random, endpoint, known
        )
    if not endpoint.writes and random.random() < 0.95:
        return [], b""
    kind = [(b"Content-Type", b"application/json")]
    if random.random() < 0.25:
        return kind, random.choice(RAW)
    body = json.dumps(_fields(random, endpoint, known), ensure_ascii=random.random() < 0.5)
    data = body.encode("utf-8", "surrogatepass")
    return kind, _damaged(random, data) if random.random() < 0.2 else data


def _fields(random: Random, endpoint: Endpoint, known: Known) -> dict[str, Any]:
    names = list(endpoint.inputs.body.model_fields)
    fields: dict[str, Any] = {name: value for name, value in COMPLETE.items() if name in names}
    for name in random.sample(names, random.randint(0, len(names))):
        fields[name] = random.choice((*VALUES, *known.ids.get(name, ())))
    if random.random() < 0.1:
        fields[random.choice(("x", "id", "", "\0", "k" * 3000))] = random.choice(VALUES)
    return fields


def _damaged(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    piece = random.choice(
        (b"", b"\0", b"\xff", b",", b'"', b"}", b"[" * 50, data[:at], b"\\u", b"//", b"NaN")
    )
    return data[:at] + piece + data[at + random.choice((0, 1, 5)) :]


def _form(random: Random, endpoint: Endpoint, known: Known) -> bytes:
    kinds = ("xlsx",) if endpoint.name == "import_practices" else ("jpg", "png", "webp")
    sample = random.choice([one for one in known.samples if one.name.endswith(kinds)])
    file = _damaged(random, sample.data) if random.random() < 0.5 else sample.data
    parts = [_part(b'name="image_type"', b"before"), _part(b'name="file"; filename="a.jpg"', file)]
    if random.random() < 0.6:
        _change_parts(random, parts)
    body = (
        b"".join(b"--" + BOUNDARY + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + BOUNDARY + b"--\r\n"
    )
    return _damaged(random, body) if random.random() < 0.2 else body


def _part(disposition: bytes, content: bytes) -> bytes:
    return (
        b"Content-Disposition: form-data; " + disposition + b"\r\nContent-Type: image/jpeg\r\n\r\n" + content
    )


def _change_parts(random: Random, parts: list[bytes]) -> None:
    changes: Sequence[Callable[[], object]] = (
        lambda: parts.pop(random.randrange(len(parts))),
        lambda: parts.append(random.choice(parts)),
        lambda: parts.extend([_part(b'name="x"', b"y")] * random.choice((9, 10_000))),
        lambda: parts.append(_part(b'name="' + b"n" * 100_000 + b'"', b"")),
        lambda: parts.append(_part(b'name="file"; filename="' + b"\xff/..%00" * 50 + b'"', b"x")),
        lambda: parts.append(b"no header\r\n\r\nx"),
        lambda: parts.append(b"A: b\r\n" * 20_000 + b"\r\nx"),
        lambda: parts.insert(0, _part(b'name="image_type"', b"\xff" * 100)),
        parts.clear,
    )
    random.choice(changes)()
