"""The edge knows no feature: what it imports of the project is the same for every feature."""

import ast
from pathlib import Path

import pytest

EDGE = Path(__file__).resolve().parents[4] / "functions" / "edge"

ALLOWED = (
    "adapters.postgres.connections",  # how long a call may take and wait
    "adapters.postgres.expensive_calls",
    "adapters.postgres.idempotency",
    "adapters.postgres.pool",
    "adapters.rate_limits",
    "bp_core.auth.devices",  # attempts of a known device have a rate limit of their own
    "bp_core.auth.ports",  # the claims of a token: the edge authenticates callers
    "bp_core.shared",
    "functions.blueprints",
    "functions.bootstrap",
    "functions.edge",
    "functions.logs",
    "functions.telemetry",
    "functions.unit_of_work",
    "functions.version",
)


def imports(file: Path) -> set[str]:
    """The modules of this project that a file imports; of `from package import name` both."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {module for module in found if module.partition(".")[0] in ("adapters", "bp_core", "functions")}


@pytest.mark.parametrize(
    "file", sorted(EDGE.rglob("*.py")), ids=lambda file: file.relative_to(EDGE).as_posix()
)
def test_the_edge_imports_no_feature(file: Path) -> None:
    allowed = tuple(f"{module}." for module in ALLOWED)

    assert {module for module in imports(file) if not f"{module}.".startswith(allowed)} == set()
