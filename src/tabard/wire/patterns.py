"""The models' patterns are Java's; what they mean here.

`\\w` and `\\d` are ASCII, a match is always of the whole text, and `\\p{…}` names Unicode categories, which Python has
not. `\\u10000-\\u10FFFF` is a slip in AWS's models: Java takes no more than four digits, and what is meant, the
supplementary characters, is refused in practice. It is read as nothing at all, so that control characters that Java's
reading lets in (U+007F) are refused as well.
"""

import re
from functools import cache
from typing import Final

_SLIP: Final = r"\u10000-\u10FFFF"
_LETTERS_SEPARATORS_NUMBERS: Final = r"\p{L}\p{Z}\p{N}_"
# Python's Unicode `\w` is exactly categories L and N with the underscore. Category Z has nineteen characters.
_IN_PYTHON: Final = r"\w \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


@cache
def compile_pattern(java: str) -> re.Pattern[str]:
    """For `fullmatch`.

    Raises:
        ValueError: the pattern uses a construct that is not known here.
    """
    if r"\p" not in java:
        return re.compile(java.replace(_SLIP, ""), re.ASCII)
    translated = java.replace(_LETTERS_SEPARATORS_NUMBERS, _IN_PYTHON)
    if r"\p" in translated or r"\d" in translated or java.count(r"\w"):
        raise ValueError(f"cannot translate {java!r}")
    return re.compile(translated)
