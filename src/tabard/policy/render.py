"""Stored text → shown text.

A document is kept and shown as it was sent, to the byte. The one exception: a principal that was deleted is
shown by its unique id instead of its ARN (IAM User Guide, "AWS JSON policy elements: Principal").
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{},:]', re.DOTALL)
_ELEMENTS: Final = frozenset({"Principal", "NotPrincipal"})


def replace_principals(text: str, names: Mapping[str, str]) -> str:
    """The document with the `AWS` principals in `names` replaced; all else as it was. `text` is a parsed document."""
    if not names:
        return text
    shown: list[str] = []
    position = 0
    for start, end in _aws_principals(text):
        replacement = names.get(json.loads(text[start:end]))
        if replacement is not None:
            shown += (text[position:start], json.dumps(replacement))
            position = end
    return "".join((*shown, text[position:]))


def _aws_principals(text: str) -> Iterator[tuple[int, int]]:
    """Where the texts under `Statement` … `Principal` or `NotPrincipal` … `AWS` stand."""
    path: list[str | None] = []  # the member that each open object is at; None for an open list
    is_key = False
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "{":
                path.append("")
                is_key = True
            case "[":
                path.append(None)
                is_key = False
            case "}" | "]":
                path.pop()
                is_key = False
            case ",":
                is_key = path[-1] is not None
            case ":":
                is_key = False
            case _ if is_key:
                path[-1] = json.loads(token[0])
            case _:
                members = [member for member in path if member is not None]
                if len(members) == 3 and members[0] == "Statement" and members[1] in _ELEMENTS and members[2] == "AWS":
                    yield token.span()
