"""The version of the portal, as the health endpoints and the OpenAPI document report it."""

from typing import Final

VERSION: Final = "0.2.0"
