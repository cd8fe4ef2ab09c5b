"""A TypeScript client generated from the OpenAPI document: it compiles in strict mode and works."""

import json
import subprocess
from pathlib import Path

import httpx

from local.node import find_node
from tests.e2e.instances import serving
from tests.e2e.npm import copy_with_packages
from tests.world import PASSWORD, World

SOURCES = Path(__file__).with_name("typescript")
OPTIONAL_DEFAULTS = "--default-non-nullable=false"
"""Request fields with a default are optional."""


def test_the_generated_client_compiles_and_works(world: World, tmp_path: Path) -> None:
    client = copy_with_packages(SOURCES, tmp_path / "client")
    world.add_person("writer@amber.test", plant=0)
    with serving(world, tmp_path / "host.log") as instance:
        (client / "openapi.json").write_bytes(httpx.get(f"{instance.url}/openapi.json").content)
        _node(
            client,
            "openapi-typescript/bin/cli.js",
            "openapi.json",
            "--output",
            "schema.ts",
            OPTIONAL_DEFAULTS,
        )
        _node(client, "typescript/bin/tsc", "--project", ".")
        output = _node(client, "../usage.js", instance.url, "writer@amber.test", PASSWORD)
    assert json.loads(output) == {
        "title": "Less scrap in brazing",
        "titles": ["Less scrap in brazing"],
        "tagged": [["gas", "heat"]],
        "more": False,
        "code": "VALIDATION_ERROR",
    }


def _node(directory: Path, script: str, *arguments: str) -> str:
    """Run a script, with a path relative to node_modules. Returns its output."""
    command = [find_node().node, f"node_modules/{script}", *arguments]
    result = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
