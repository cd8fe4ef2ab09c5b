"""The portal's Function App: registers what `functions` declares. No logic, and no I/O at import."""

import os
import pkgutil
from importlib import import_module

import azure.functions as func

from functions import blob_triggers, bootstrap, http
from functions.jobs import timers

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

features = [import_module(f"{http.__name__}.{found.name}") for found in pkgutil.iter_modules(http.__path__)]
for module in (*features, blob_triggers, timers):
    app.register_functions(module.blueprint)

# A functions host always names the worker it wants: under one, a missing or unsafe setting stops the start.
if "FUNCTIONS_WORKER_RUNTIME" in os.environ:
    bootstrap.portal()
