"""The shell blocks of a document, as one script.

A fenced block under `<!-- journey: NAME -->` is a step. A mark behind the name says more: `refused`, `unknown`,
`denied` and `failed`, the step must end in AccessDenied, InvalidClientTokenId, a denial or a failed case; `with jq`
and `without jq`, two ways to do one step.
"""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

from tests.journeys.conftest import AWS

ROOT = Path(__file__).parent.parent.parent
BLOCK = re.compile(
    r"^<!-- journey: (?P<name>[a-z-]+)(?:, (?P<mark>[a-z ]+))? -->\n```sh\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
CODES = {"refused": "AccessDenied", "unknown": "InvalidClientTokenId", "denied": "implicit", "failed": " failed"}
FAILING = """\
if said=$( {{ {code}
}} 2>&1 ); then echo not refused: {shown} >&2; exit 1; fi
[[ $said == *"{expected}"* ]] || {{ echo "$said" >&2; exit 1; }}
"""


def blocks(page: str, name: str) -> list[tuple[str | None, str]]:
    """The marks and the code of a journey's steps."""
    found = [(each["mark"], each["code"]) for each in BLOCK.finditer((ROOT / page).read_text()) if each["name"] == name]
    assert found, f"{page} has no journey {name}"
    return found


def script(steps: list[tuple[str | None, str]]) -> str:
    """The steps as one script. Where a step can be done in two ways, both are, if jq is there."""
    written = []
    for mark, code in steps:
        assert mark in {None, "with jq", "without jq", *CODES}, mark
        if mark in CODES:
            written.append(FAILING.format(code=code.strip(), shown=shlex.quote(code), expected=CODES[mark]))
        elif mark != "with jq" or shutil.which("jq"):
            written.append(code)
    return "\n".join(written)


def run(text: str, *, home: Path, env: dict[str, str]) -> str:
    """What the script prints; it must not fail."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        env={**env, "HOME": str(home), "PATH": f"{Path(AWS).parent}:{env['PATH']}"},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
