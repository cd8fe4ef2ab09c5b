"""ETag and If-Match: the version of a thing in the headers of responses and requests."""

import re
from typing import Final

import azure.functions as func
from werkzeug.http import parse_etags

from bp_core.shared.versions import ExpectedVersions

_VERSION: Final = re.compile(r"[1-9][0-9]{0,9}")
_QUOTED_VERSION: Final = re.compile(rf'"({_VERSION.pattern})"')


def etag(version: int) -> str:
    """Return a version as a strong entity tag."""
    return f'"{version}"'


def expected_versions(request: func.HttpRequest) -> ExpectedVersions:
    """Read the versions of If-Match: None if the header is absent or `*`.

    A weak tag, or a tag that this portal never gave, matches no version (RFC 9110, 13.1.1).
    """
    header = request.headers.get("if-match")
    if header is None:
        return None
    tags = parse_etags(header.strip())
    if tags.star_tag:
        return None
    versions = {int(tag) for tag in tags if tag and _VERSION.fullmatch(tag)}  # werkzeug reads "" as None
    quoted = {int(version) for version in _QUOTED_VERSION.findall(header)}
    return versions & quoted  # werkzeug accepts tags without quotes
