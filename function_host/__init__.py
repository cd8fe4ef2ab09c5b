"""A local function host: serves an Azure Functions app (Python v2 model), for development and tests.

It serves every function that an ``azure.functions.FunctionApp`` declares: HTTP routes, blob triggers (by
polling), timers, and the ``/admin`` paths that run a function now. It follows the rules of the Azure
Functions host. An app that Azure would not load is refused at start.

It listens on a loopback address and does not check host keys or function keys (``authLevel`` is ignored). Do
not expose it to a network.

Command line: ``python -m function_host --port 7071``. In a test:
``with FunctionHost(app, settings) as host: ...``.
"""

from function_host.index import ConfigurationError
from function_host.server import FunctionHost, HttpOptions

__all__ = ["ConfigurationError", "FunctionHost", "HttpOptions"]
