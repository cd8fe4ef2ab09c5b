"""docs/openapi.json: the description of the API as the portal gives it, kept to be read and compared."""

import argparse
import sys

from openapi_spec_validator import OpenAPIV31SpecValidator

import function_app  # noqa: F401 - declares every endpoint
from functions import openapi
from local.data_directory import ROOT

KEPT = ROOT / "docs" / "openapi.json"


def main() -> int:
    """`python -m local.openapi [--write]`: hold the file against the declarations, or write it anew."""
    parser = argparse.ArgumentParser(prog="python -m local.openapi", description=main.__doc__)
    parser.add_argument("--write", action="store_true", help="write the file anew")
    arguments = parser.parse_args()
    faults = [fault.message for fault in OpenAPIV31SpecValidator(openapi.document()).iter_errors()]
    if faults:
        print("The description of the API is not valid:", *faults, sep="\n", file=sys.stderr)
        return 1
    if arguments.write:
        KEPT.write_bytes(openapi.written())
    elif KEPT.read_bytes() != openapi.written():
        print(f"{KEPT} is not what is declared: python -m local.openapi --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
