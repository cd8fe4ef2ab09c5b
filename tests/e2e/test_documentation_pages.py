"""The pages of the API's description in a browser."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from local.node import find_node
from tests.e2e.instances import serving
from tests.e2e.npm import workshop
from tests.world import Person, World

SCRIPTS = Path(__file__).with_name("browser")


def test_a_call_can_be_made_from_the_page_and_no_other_host_is_asked_for_anything(
    world: World, tmp_path: Path
) -> None:
    scripts = workshop(SCRIPTS, tmp_path / "browser")
    with (
        serving(world, tmp_path / "host.log") as instance,
        tempfile.TemporaryDirectory(prefix="amber-portal-browser-") as unpacked,
    ):
        person = world.add_person("reader@amber.test", plant=0)
        reader = Person(person.email, person.role, person.plant_id, instance.http).sign_in()
        done = subprocess.run(
            [
                find_node().node,
                str(scripts / "documentation.mjs"),
                instance.url,
                reader.tokens["access_token"],
            ],
            env={**os.environ, "TMPDIR": unpacked},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    paths = [urlsplit(url).path for url in seen["requested"]]
    assert {urlsplit(url).netloc for url in seen["requested"]} == {urlsplit(instance.url).netloc}
    assert {"/docs", "/redoc", "/openapi.json", "/api/v1/auth/me"} == set(paths)
    assert seen["complaints"] == []
    assert seen["status"].split()[0] == "200"
    assert json.loads(seen["body"])["data"]["email"] == "reader@amber.test"
