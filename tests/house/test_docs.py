"""The documents say what the code is: what can be compared is compared here."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest
from dev.docs import DOCS, ROOT, rewritten

import tabard
from tabard.apps.config import Settings, load_settings
from tabard.wire.model import service_model

PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|<img [^>]*src=\"([^\"]+)\"")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CONDITION_KEY = re.compile(r"[\"']((?:aws|iam|sts|saml):[A-Za-z]+)(?=[\"'/])")
PERMISSIONS_ONLY = {"iam:passrole", "sts:tagsession", "sts:setsourceidentity", "sts:setcontext"}


def text_of(page: str) -> str:
    return (DOCS / page).read_text()


def anchors(page: Path) -> set[str]:
    """The anchors of a page, as forges make them from its headings."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in HEADING.findall(page.read_text())}


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for markdown, image in LINK.findall(page.read_text()):
        target, _, anchor = (markdown or image).partition("#")
        if target.startswith(("https:", "mailto:")):
            continue
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_is_made_from_the_code_is_current(page: Path) -> None:
    assert rewritten(page.read_text()) == page.read_text(), "run `make docs`"


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=name_of)
def test_every_document_can_be_reached_from_the_index_of_its_folder(page: Path) -> None:
    if page.name == "benchmarks.md":
        return  # comes and goes with `make bench`
    index = (page.parent if page.parent.name == "adr" else DOCS) / "README.md"
    assert page == index or f"({page.relative_to(index.parent)})" in index.read_text()


def test_decision_records_are_numbered_without_gaps() -> None:
    numbers = [int(page.name[:4]) for page in sorted((DOCS / "adr").glob("[0-9]*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_version_is_the_newest_of_the_changelog() -> None:
    newest = re.search(r"^## \[?([0-9.]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == tabard.__version__


def settings_of(struct: type[msgspec.Struct], prefix: str = "") -> set[str]:
    names: set[str] = set()
    for field in msgspec.structs.fields(struct):
        inner = field.type
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            names |= settings_of(inner, f"{prefix}{field.encode_name}.")
        else:
            names.add(prefix + field.encode_name)
    return names


def test_every_setting_has_its_row_and_every_row_is_a_setting() -> None:
    rows = set(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|", text_of("reference/settings.md"), re.MULTILINE))
    assert rows == settings_of(Settings)


def test_the_example_of_the_settings_is_accepted_and_names_them_all(tmp_path: Path) -> None:
    found = re.search(r"<!-- example: settings -->\n```toml\n(.*?)```", text_of("reference/settings.md"), re.DOTALL)
    assert found is not None
    (tmp_path / "tabard.toml").write_text(found[1])

    assert load_settings(tmp_path / "tabard.toml").listen.workers == 2
    named = {f"{table}.{key}" for table, rows in tomllib.loads(found[1]).items() for key in rows}
    assert named == settings_of(Settings)


def test_every_condition_key_of_the_code_is_documented() -> None:
    documented = {
        key.lower().removesuffix("/…")
        for key in re.findall(r"`([a-z]+:[^`]+)`", text_of("reference/condition-keys.md"))
    }
    permissions = PERMISSIONS_ONLY | {
        f"{service}:{operation}".lower()
        for service in ("sts", "iam")
        for operation in service_model(service).operations
    }
    used = {
        key.lower()
        for module in (ROOT / "src" / "tabard").rglob("*.py")
        if module.parent.name != "lint"  # it speaks of keys that nothing here feeds, too
        for key in CONDITION_KEY.findall(module.read_text())
    }
    assert used - permissions - documented == set()


def test_every_member_of_an_audit_record_is_documented() -> None:
    source = (ROOT / "src" / "tabard" / "apps" / "events.py").read_text()
    members = set(re.findall(r"^        \"(\w+)\": |record\[\"(\w+)\"\]", source, re.MULTILINE))
    names = {one or other for one, other in members}
    assert {"eventID", "userIdentity", "additionalEventData"} <= names
    assert [name for name in names if f"`{name}" not in text_of("reference/audit.md")] == []


def test_the_attacks_that_the_threat_model_calls_tested_are_named_by_tests() -> None:
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    names = "_".join(re.findall(r"def test_(\w+)", tests)).upper()
    headings = " ".join(re.findall(r'^"""(.*?)"""', tests, re.MULTILINE | re.DOTALL))
    named = set(re.findall(r"(?<![A-Z0-9])[VKPTDASF][0-9]{2}(?![0-9])", f"{names} {headings}".replace("_", " ")))
    claimed = set(re.findall(r"^\| ([A-Z][0-9]{2}) \|", text_of("explanation/threat-model.md"), re.MULTILINE))
    assert claimed
    assert claimed - named == set()
