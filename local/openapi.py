"""Checks or writes docs/openapi.json, the OpenAPI document of the portal."""

import argparse
import sys

from openapi_spec_validator import OpenAPIV31SpecValidator

import function_app  # noqa: F401 - declares every endpoint
from functions.edge import openapi
from local.data_directory import ROOT

DOCUMENT = ROOT / "docs" / "openapi.json"


def main() -> int:
    """`python -m local.openapi [--write]`: compare the file with the endpoints, or write it."""
    parser = argparse.ArgumentParser(prog="python -m local.openapi", description=main.__doc__)
    parser.add_argument("--write", action="store_true", help="write the file")
    arguments = parser.parse_args()
    errors = [error.message for error in OpenAPIV31SpecValidator(openapi.document()).iter_errors()]
    if errors:
        print("The OpenAPI document is not valid:", *errors, sep="\n", file=sys.stderr)
        return 1
    if arguments.write:
        DOCUMENT.write_bytes(openapi.document_json())
    elif DOCUMENT.read_bytes() != openapi.document_json():
        print(f"{DOCUMENT} is out of date. Run: python -m local.openapi --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
