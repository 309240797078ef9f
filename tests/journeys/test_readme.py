"""What the README and the how-to pages tell people to type, typed as it stands."""

import os
import re
import signal
import socket
import subprocess
from pathlib import Path

from tests.journeys.conftest import TABARD, House
from tests.journeys.documents import ROOT, blocks, run, script


def test_the_tour_of_the_readme_works_as_it_stands(fresh_house: House, tmp_path: Path) -> None:
    steps = blocks("README.md", "tour")
    assert {mark for mark, _ in steps} == {None, "refused", "denied", "with jq", "without jq"}

    said = run(script(steps), home=tmp_path, env=fresh_house.environment(fresh_house.admin))

    assert f"arn:aws:sts::{fresh_house.account}:assumed-role/people-reader/ana" in said
    assert '"UserName": "ana"' in said
    assert "aws_session_token" in (tmp_path / ".aws" / "credentials").read_text()


def test_ending_sessions_works_as_it_stands(fresh_house: House, tmp_path: Path) -> None:
    steps = blocks("docs/how-to/end-sessions.md", "end-sessions")
    assert {mark for mark, _ in steps} == {None, "refused", "unknown"}

    run(script(steps), home=tmp_path, env=fresh_house.environment(fresh_house.admin))


def test_understanding_a_denial_works_as_it_stands(fresh_house: House, tmp_path: Path) -> None:
    steps = blocks("docs/how-to/understand-a-denial.md", "denial")
    assert {mark for mark, _ in steps} == {None, "refused", "denied"}

    said = run(script(steps), home=tmp_path, env=fresh_house.environment(fresh_house.admin))

    assert "PRINCIPAL IMPLICIT_DENY" in said
    assert '"action":"iam:ListUsers"' in said.replace(" ", "")


def test_connecting_clients_works_as_it_stands(fresh_house: House, tmp_path: Path) -> None:
    steps = blocks("docs/how-to/connect-clients.md", "clients")

    said = run(script(steps), home=tmp_path, env=fresh_house.environment(fresh_house.admin))

    assert ":assumed-role/reader/from-a-profile" in said
    assert "['admin']" in said


def test_testing_policies_works_as_it_stands(tmp_path: Path) -> None:
    steps = blocks("docs/how-to/test-policies.md", "policies")
    assert [mark for mark, _ in steps].count("denied") == 1
    assert [mark for mark, _ in steps].count("failed") == 1

    said = run(script(steps), home=tmp_path, env={"PATH": os.environ["PATH"]})

    shown = re.findall(r"```(?:json|text)\n(.*?)```", (ROOT / "docs/how-to/test-policies.md").read_text(), re.DOTALL)
    answer, passed, failed = shown
    assert said.startswith(answer)
    assert passed in said
    again = subprocess.run(
        [*TABARD, "policy", "test", "cases"], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )
    assert again.stdout.endswith(failed)
    assert (tmp_path / "report.xml").read_text().count("<testcase") == 5


def test_running_a_server_works_as_it_stands(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    configure, *steps = [
        (mark, code.replace("8780", port)) for mark, code in blocks("docs/how-to/run-a-server.md", "serve")
    ]
    env = {"PATH": os.environ["PATH"]}
    run(script([configure]), home=tmp_path, env=env)
    server = subprocess.Popen(
        [*TABARD, "serve", "--config", "tabard.toml"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stderr is not None
        assert f"listens on http://127.0.0.1:{port}" in server.stderr.readline()

        said = run(script(steps), home=tmp_path, env=env)

        assert ":user/admin" in said
        assert "only opens" in said
        assert (tmp_path / "backup.db").stat().st_mode & 0o077 == 0
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=15)


def test_applying_templates_works_as_it_stands(fresh_house: House, tmp_path: Path) -> None:
    steps = blocks("docs/how-to/apply-templates.md", "templates")

    said = run(script(steps), home=tmp_path, env=fresh_house.environment(fresh_house.admin))

    assert "4 to create" in said
    assert f"RoleArn = arn:aws:iam::{fresh_house.account}:role/risk-people-reader" in said
    assert ":assumed-role/risk-people-reader/ana" in said
    assert "          -7200\n          +3600\n" in said
    assert said.count("4 as they should be") == 2
    assert "4 to delete" in said
