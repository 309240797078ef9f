"""The README's tour, run as it stands.

A fenced block under `<!-- journey: tour -->` is a step of the tour; `with jq` and `without jq` mark two ways to do one
step; `refused` marks a step that must end in AccessDenied.
"""

import re
import shutil
import subprocess
from pathlib import Path

from tests.journeys.conftest import AWS, House

README = Path(__file__).parent.parent.parent / "README.md"
BLOCK = re.compile(
    r"^<!-- journey: tour(?:, (?P<mark>[a-z ]+))? -->\n```sh\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
REFUSED = """\
if said=$( {{ {code}; }} 2>&1 ); then echo "not refused: {code}" >&2; exit 1; fi
[[ $said == *AccessDenied* ]] || {{ echo "$said" >&2; exit 1; }}
"""


def tour(*, with_jq: bool) -> str:
    """The steps of the tour as one script. Where a step can be done in two ways, both are, if jq is there."""
    steps = []
    for block in BLOCK.finditer(README.read_text()):
        mark, code = block["mark"], block["code"]
        if mark == "refused":
            steps.append(REFUSED.format(code=code.strip()))
        elif mark != "with jq" or with_jq:
            steps.append(code)
    return "\n".join(steps)


def test_the_tour_of_the_readme_works_as_it_stands(fresh_house: House, tmp_path: Path) -> None:
    env = fresh_house.environment(fresh_house.admin, home=tmp_path)
    env["PATH"] = f"{Path(AWS).parent}:{env['PATH']}"

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", tour(with_jq=shutil.which("jq") is not None)],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert f"arn:aws:sts::{fresh_house.account}:assumed-role/people-reader/ana" in done.stdout
    assert '"UserName": "ana"' in done.stdout
    assert "aws_session_token" in (tmp_path / ".aws" / "credentials").read_text()


def test_the_tour_has_steps_of_every_kind() -> None:
    marks = [block["mark"] for block in BLOCK.finditer(README.read_text())]
    assert marks.count("refused") >= 3
    assert set(marks) == {None, "refused", "with jq", "without jq"}
