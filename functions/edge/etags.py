"""ETag and If-Match: the version of a thing, as it goes out and comes back."""

import re
from typing import Final

import azure.functions as func

from bp_core.shared.versions import ExpectedVersions

_TAG: Final = re.compile(r'(W/)?"([^"]*)"')
_VERSION: Final = re.compile(r"[1-9][0-9]{0,9}")


def etag(version: int) -> str:
    """Write a version as a strong entity tag."""
    return f'"{version}"'


def expected_versions(request: func.HttpRequest) -> ExpectedVersions:
    """Read If-Match: None where it is absent or `*`.

    A weak tag, or one that never was ours, fits no version (RFC 9110, 13.1.1).
    """
    sent = request.headers.get("if-match")
    if sent is None or sent.strip() == "*":
        return None
    return {int(tag) for weak, tag in _TAG.findall(sent) if not weak and _VERSION.fullmatch(tag)}
