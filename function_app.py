"""The portal's Function App: every blueprint registered, and nothing else (no I/O at import)."""

import os

import azure.functions as func

from functions import blob_triggers, bootstrap, timers
from functions.http import (
    analytics,
    audit,
    auth,
    benchmarking,
    categories,
    copying,
    documentation,
    health,
    jobs,
    leaderboard,
    notifications,
    plants,
    practices,
    questions,
    reviews,
    sheets,
    uploads,
    users,
)

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

for module in (
    analytics,
    audit,
    auth,
    benchmarking,
    blob_triggers,
    categories,
    copying,
    documentation,
    health,
    jobs,
    leaderboard,
    notifications,
    plants,
    practices,
    questions,
    reviews,
    sheets,
    timers,
    uploads,
    users,
):
    app.register_functions(module.blueprint)

# A functions host always says which worker it wants: under one, a missing or unsafe setting stops the start.
if "FUNCTIONS_WORKER_RUNTIME" in os.environ:
    bootstrap.portal()
