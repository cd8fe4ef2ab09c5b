"""The documentation pages, in a browser."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from local.node import find_node
from tests.e2e.instances import serving
from tests.e2e.npm import copy_with_packages
from tests.world import Person, World

SCRIPTS = Path(__file__).with_name("browser")


def test_the_page_can_call_the_api_and_loads_nothing_from_other_hosts(world: World, tmp_path: Path) -> None:
    scripts = copy_with_packages(SCRIPTS, tmp_path / "browser")
    with (
        serving(world, tmp_path / "host.log") as instance,
        tempfile.TemporaryDirectory(prefix="amber-portal-browser-") as temporary,
    ):
        person = world.add_person("reader@amber.test", plant=0)
        reader = Person(person.email, person.role, person.plant_id, instance.http).sign_in()
        result = subprocess.run(
            [
                find_node().node,
                str(scripts / "documentation.mjs"),
                instance.url,
                reader.tokens["access_token"],
            ],
            env={**os.environ, "TMPDIR": temporary},
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    paths = [urlsplit(url).path for url in seen["requested"]]
    assert {urlsplit(url).netloc for url in seen["requested"]} == {urlsplit(instance.url).netloc}
    assert {"/docs", "/redoc", "/openapi.json", "/api/v1/auth/me"} == set(paths)
    assert seen["errors"] == []
    assert seen["status"].split()[0] == "200"
    assert json.loads(seen["body"])["data"]["email"] == "reader@amber.test"
