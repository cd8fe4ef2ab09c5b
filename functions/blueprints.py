"""Blueprints: where functions are declared before the app registers them."""

import azure.functions as func


def new_blueprint() -> func.Blueprint:
    """Return an empty blueprint."""
    return func.Blueprint()  # type: ignore[no-untyped-call]  # the library has no types here
