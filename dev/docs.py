"""Write the parts of docs/ that the code's own tables say: what lies between `<!-- made: NAME -->` and `<!-- end -->`.

`make docs` runs this; a house test fails when a page is no longer what it would write.
"""

import ast
import importlib
import pkgutil
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click

import tabard
from tabard.actions.iam import ACTIONS as IAM_ACTIONS
from tabard.actions.organizations import ACTIONS as ORGANIZATIONS_ACTIONS
from tabard.actions.sts import ACTIONS as STS_ACTIONS
from tabard.apps.cli.main import cli
from tabard.faults import Fault
from tabard.policy.conditions import OPERATORS
from tabard.wire.faults import CODES, JSON_CODES, row_of
from tabard.wire.model import ServiceName, service_model

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
SOURCE = Path(tabard.__path__[0])
BUILT: Mapping[ServiceName, tuple[str, ...]] = {
    "sts": tuple(action.name for action in STS_ACTIONS),
    "iam": tuple(action.name for action in IAM_ACTIONS),
    "organizations": tuple(action.name for action in ORGANIZATIONS_ACTIONS),
}
_PART = re.compile(r"(?P<head><!-- made: (?P<name>[a-z-]+) -->\n).*?(?P<tail><!-- end -->)", re.DOTALL)
_WIDTH = 100


def main() -> None:
    for page in sorted(DOCS.rglob("*.md")):
        old = page.read_text(encoding="utf-8")
        new = rewritten(old)
        if new != old:
            page.write_text(new, encoding="utf-8")
            print(f"wrote {page.relative_to(ROOT)}")


def rewritten(text: str) -> str:
    """The page with every made part made anew."""
    return _PART.sub(lambda part: f"{part['head']}\n{PARTS[part['name']]()}\n{part['tail']}", text)


def operations(service: ServiceName) -> str:
    """One row for each operation of AWS's model."""
    built = set(BUILT[service])
    rows = [[name, "yes" if name in built else ""] for name in sorted(service_model(service).operations)]
    return f"{len(built)} of {len(rows)} are built.\n\n{table(['Operation', 'Built'], rows)}"


def faults() -> str:
    """One row for each fault."""
    rows = [
        [f"`{fault.__name__}`", family(fault), *code(fault), first_line(fault)]
        for fault in sorted(fault_classes(), key=lambda each: (family(each), each.__name__))
    ]
    return table(["Fault", "Family", "AWS's code", "Status", "In JSON", "Meaning"], rows)


def condition_operators() -> str:
    """One row for each operator."""
    rows = [
        [f"`{row.name}`", "yes" if row.negated else "", "yes" if row.variables else ""] for row in OPERATORS.values()
    ]
    return table(["Operator", "Negated", "Policy variables in its values"], rows)


def module_map() -> str:
    """The source tree, top floor first: each package and module with the first sentence of its docstring."""
    rows = []
    for floor in floors():
        there = SOURCE / floor
        for path in sorted(there.rglob("*.py"), key=by_package) if there.is_dir() else [SOURCE / f"{floor}.py"]:
            said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            name = str(path.relative_to(SOURCE))
            package = path.name == "__init__.py"
            rows.append([f"**{name.removesuffix('__init__.py')}**" if package else f"`{name}`", sentence(said)])
    return table(["Module", "What it is"], rows)


def floors() -> list[str]:
    """The layers of the import contract, from the top down."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers: list[str] = project["tool"]["importlinter"]["contracts"][0]["layers"]
    return [name.strip() for layer in layers for name in layer.split("|")]


def by_package(path: Path) -> tuple[Path, str]:
    return path.parent, "" if path.name == "__init__.py" else path.name


def sentence(text: str) -> str:
    """The first sentence of a text, on one line."""
    paragraph = " ".join(text.split("\n\n", 1)[0].split())
    return re.split(r"(?<=\.) (?=[A-Z])", paragraph, maxsplit=1)[0]


def commands() -> str:
    """The help of every command."""
    return "\n".join(f"## `{name}`\n\n```text\n{text}\n```\n" for name, text in helps(cli, "tabard"))


def helps(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    """The name and help of a command and of all below it."""
    context = click.Context(command, info_name=name, terminal_width=_WIDTH, max_content_width=_WIDTH)
    context.help_option_names = ["-h", "--help"]
    yield name, command.get_help(context).rstrip()
    if isinstance(command, click.Group):
        for word in command.list_commands(context):
            yield from helps(command.commands[word], f"{name} {word}")


def fault_classes() -> set[type[Fault]]:
    """Every fault that is not itself a family."""
    for module in pkgutil.walk_packages(tabard.__path__, "tabard."):
        if "__main__" not in module.name and ".migrations" not in module.name:
            importlib.import_module(module.name)
    families = set(Fault.__subclasses__())
    found: set[type[Fault]] = set()
    waiting = [below for family in families for below in family.__subclasses__()]
    while waiting:
        fault = waiting.pop()
        found.add(fault)
        waiting.extend(fault.__subclasses__())
    return found


def family(fault: type[Fault]) -> str:
    return fault.__mro__[fault.__mro__.index(Fault) - 1].__name__


def code(fault: type[Fault]) -> tuple[str, str, str]:
    name, status = row_of(fault, CODES)
    return f"`{name}`", str(status), f"`{row_of(fault, JSON_CODES)}`"


def first_line(fault: type[Fault]) -> str:
    text = (fault.__doc__ or "").split("\n", 1)[0]
    return re.sub(r" \(AWS: [^)]*\)", "", text)


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


PARTS: Mapping[str, Callable[[], str]] = {
    "sts-operations": lambda: operations("sts"),
    "iam-operations": lambda: operations("iam"),
    "organizations-operations": lambda: operations("organizations"),
    "faults": faults,
    "condition-operators": condition_operators,
    "commands": commands,
    "map": module_map,
}

if __name__ == "__main__":
    main()
