"""Requests as the Functions host passes them to a function."""

from collections.abc import Mapping

import azure.functions as func


def request(
    body: bytes = b"",
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    route_params: Mapping[str, str] | None = None,
) -> func.HttpRequest:
    """A request with a JSON body, unless its headers say otherwise."""
    return func.HttpRequest(
        method=method,
        url="https://portal.example/api/v1/anything",
        headers={"content-type": "application/json"} if headers is None else headers,
        params=params or {},
        route_params=route_params or {},
        body=body,
    )


def multipart(*parts: tuple[str, bytes]) -> func.HttpRequest:
    """A multipart form of these parts, each the end of its headers and its content."""
    framed = b"".join(
        f'--edge\r\nContent-Disposition: form-data; name="{head}\r\n\r\n'.encode() + content + b"\r\n"
        for head, content in parts
    )
    return request(framed + b"--edge--\r\n", headers={"content-type": "multipart/form-data; boundary=edge"})
