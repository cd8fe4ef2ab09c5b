"""The guide to the API says what happens: its commands are run, and print what it says they print."""

import os
import re
import subprocess
from pathlib import Path

from tests.e2e.instances import REPOSITORY, serving
from tests.world import PASSWORD, World, picture

BLOCK = re.compile(r"^```sh\n(.*?)^```$(?:\n+```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
END_OF_BLOCK = "\x1e"


def test_the_commands_of_the_guide_print_what_it_says(world: World, tmp_path: Path) -> None:
    blocks = BLOCK.findall((REPOSITORY / "docs" / "API_GUIDE.md").read_text(encoding="utf-8"))
    script = f"printf '{END_OF_BLOCK}'\n".join(commands for commands, _ in blocks)
    (tmp_path / "joint.jpg").write_bytes(picture())
    world.add_person("plant@amber.test", plant=0)
    world.add_person("other@amber.test", plant=1)
    world.add_person("hq@amber.test")
    with serving(world, tmp_path / "host.log") as instance:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            env={
                **os.environ,
                "BASE": instance.url,
                "PLANT_EMAIL": "plant@amber.test",
                "PLANT_PASSWORD": PASSWORD,
                "OTHER_EMAIL": "other@amber.test",
                "OTHER_PASSWORD": PASSWORD,
                "HQ_EMAIL": "hq@amber.test",
                "HQ_PASSWORD": PASSWORD,
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    printed = done.stdout.split(END_OF_BLOCK)
    for (commands, said), what in zip(blocks, printed, strict=True):
        pattern = re.escape(said.strip()).replace(re.escape("..."), ".*")
        assert re.fullmatch(pattern, what.strip()), f"{commands}\nprints\n{what}\nand not\n{said}"
