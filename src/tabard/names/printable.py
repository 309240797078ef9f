"""Texts that others wrote, as they may stand on a terminal or in a log.

A terminal obeys more than the old control characters: those of Latin-1 (U+009B begins a command as Escape does), and
marks that turn the direction of writing, which make one name look like another. What is not plainly visible is shown
and not sent.
"""


def escaped(text: str) -> str:
    """The text with everything that does not print written as an escape (`\\x1b`, `\\u202e`)."""
    return text if text.isprintable() else "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def masked(text: str) -> str:
    """The text with `?` for everything that does not print: as long as it was, so that places in it can be shown."""
    return text if text.isprintable() else "".join(each if each.isprintable() else "?" for each in text)
