"""Habits of the source that no tool checks."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCE = ROOT / "src" / "tabard"
MODULES = sorted(SOURCE.rglob("*.py"))
KEPT = ("src", "tests", "docs", "dev", "bench", "requirements", ".ci")
FOREIGN = re.compile(
    "|".join(
        (
            "py" + r"pi\.org",
            "python" + r"hosted\.org",
            "--(extra-)?" + "index-url",
            "/wo" + "rk/",
            "/ro" + "ot/",
            "/ho" + r"me/\w",
            "/Us" + r"ers/\w",
        )
    )
)
EXCUSE = re.compile(r"# (?:noqa(?::(?: ?[A-Z]+[0-9]+,?)+)?|type: ignore(?:\[[a-z, -]*\])?)(?P<rest>.*)$", re.MULTILINE)
REASON = re.compile(r"\s+(?:-|#)\s+\S+")


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file that belongs to the project."""
    folders = (path for name in KEPT for path in (ROOT / name).rglob("*"))
    for path in (*ROOT.glob("*"), ROOT / ".editorconfig", ROOT / ".gitattributes", *folders):
        if path.is_file() and path.name != ".git" and "__pycache__" not in path.parts and ".egg-info" not in str(path):
            try:
                yield path, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def test_no_file_names_a_registry_or_a_folder_of_somebodys_machine() -> None:
    found = [f"{path.relative_to(ROOT)}: {hit[0]}" for path, text in texts() for hit in FOREIGN.finditer(text)]
    assert found == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_every_module_says_what_it_is(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text()))


def test_every_exception_to_a_rule_has_its_reason_beside_it() -> None:
    bare = [
        f"{module.relative_to(ROOT)}: {excuse[0]}"
        for module in MODULES
        for excuse in EXCUSE.finditer(module.read_text())
        if not REASON.match(excuse["rest"])
    ]
    assert bare == []


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []
