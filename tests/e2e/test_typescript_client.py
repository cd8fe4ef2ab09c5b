"""A TypeScript client, made from the API's description: it compiles strictly, and it works."""

import json
import subprocess
from pathlib import Path

import httpx

from local.node import find_node
from tests.e2e.instances import serving
from tests.e2e.npm import workshop
from tests.world import PASSWORD, World

SOURCES = Path(__file__).with_name("typescript")
UNSENT = "--default-non-nullable=false"
"""A field of a body that has a default need not be sent."""


def test_the_client_that_is_made_from_the_description_compiles_and_works(
    world: World, tmp_path: Path
) -> None:
    client = workshop(SOURCES, tmp_path / "client")
    world.add_person("writer@amber.test", plant=0)
    with serving(world, tmp_path / "host.log") as instance:
        (client / "openapi.json").write_bytes(httpx.get(f"{instance.url}/openapi.json").content)
        _node(client, "openapi-typescript/bin/cli.js", "openapi.json", "--output", "schema.ts", UNSENT)
        _node(client, "typescript/bin/tsc", "--project", ".")
        said = _node(client, "../usage.js", instance.url, "writer@amber.test", PASSWORD)
    assert json.loads(said) == {
        "title": "Less scrap in brazing",
        "titles": ["Less scrap in brazing"],
        "more": False,
        "code": "VALIDATION_ERROR",
    }


def _node(directory: Path, script: str, *arguments: str) -> str:
    """Run a script by its path from the packages; what it prints."""
    command = [find_node().node, f"node_modules/{script}", *arguments]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
