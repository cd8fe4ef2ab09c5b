"""Blueprints: what functions are declared on before the app registers them."""

import azure.functions as func


def new_blueprint() -> func.Blueprint:
    """Make an empty blueprint."""
    return func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves this one untyped
