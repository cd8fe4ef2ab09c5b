"""A local function host: runs the portal's FunctionApp on one machine, for development and tests only.

It serves whatever an ``azure.functions.FunctionApp`` declares, nothing hand-listed, and keeps to the rules of
the real Functions host, so that what works here works there and what Azure would refuse is refused here at
start: HTTP routes, blob triggers (by polling), timers, and the ``/admin`` calls that run a function now. It
answers on a loopback address, knows no host or function keys (``authLevel`` is not enforced) and is not made
to face a network.

Command line: ``python -m local.host --port 7071``. In a test: ``with FunctionHost(app, settings) as host:
...``.
"""

from local.host.index import ConfigurationError
from local.host.server import FunctionHost

__all__ = ["ConfigurationError", "FunctionHost"]
