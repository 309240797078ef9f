"""Answers of the query protocol in XML, laid out as AWS's are: no prolog, two spaces, a newline after each element.

Text is escaped so that no value can end its element, and what XML 1.0 (§2.2 `Char`) cannot hold becomes U+FFFD: a
value that a client chose never makes an answer unreadable.

One walk over the shapes lays every answer out (`_Layout`). Where an answer holds no list and no map, its layout is the
same each time: the walk is done once, over marks, and what it wrote is the template of all answers.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress, repeat
from operator import call, is_not
from typing import Any, Final

from tabard.wire.bind import all_of, element_type, members_of
from tabard.wire.model import OperationModel, Shape
from tabard.wire.query import is_scalar
from tabard.wire.values import text_of

Write = Callable[[Any, list[str]], None]

CONTENT_TYPE: Final = "text/xml"
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def escape(text: str) -> str:
    """`text` as character data."""
    if _is_plain(text):
        return text
    # A bare carriage return would be read back as a newline (XML 1.0 §2.11).
    text = _NOT_XML.sub("\ufffd", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return text.replace("\r", "&#xD;")


def _is_plain(text: str) -> bool:
    """Whether `text` is itself as character data."""
    return text.isprintable() and "&" not in text and "<" not in text and ">" not in text and '"' not in text


def compile_xml(operation: OperationModel, response: type[Any] | None) -> Callable[[Any, str], bytes]:
    """A function of a response and the request id."""
    head = f'<{operation.name}Response xmlns="{operation.namespace}">\n'
    metadata = "  <ResponseMetadata>\n    <RequestId>"
    tail = f"</RequestId>\n  </ResponseMetadata>\n</{operation.name}Response>\n"
    if operation.output is None:
        return lambda _, request_id: f"{head}{metadata}{request_id}{tail}".encode()
    tail = f"{metadata}%s{tail}"
    leaves = None if response is None else _leaves(operation.output, response)
    if leaves is not None:
        return _by_template(operation.result_wrapper, operation.output, leaves, f"{head}%s{tail}")
    write = _Layout(_text_of).structure(operation.result_wrapper, operation.output, response, "  ")

    def encode(value: Any, request_id: str) -> bytes:
        out = [head]
        write(value, out)
        out.append(tail % request_id)
        return "".join(out).encode()

    return encode


def render_error(*, code: str, message: str | None, sender: bool, request_id: str, namespace: str) -> bytes:
    """An `ErrorResponse`. Without a message there is no `Message` element."""
    told = "" if message is None else f"    <Message>{escape(message)}</Message>\n"
    return (
        f'<ErrorResponse xmlns="{namespace}">\n'
        "  <Error>\n"
        f"    <Type>{'Sender' if sender else 'Receiver'}</Type>\n"
        f"    <Code>{escape(code)}</Code>\n"
        f"{told}"
        "  </Error>\n"
        f"  <RequestId>{request_id}</RequestId>\n"
        "</ErrorResponse>\n"
    ).encode()


def _text_of(shape: Shape) -> Callable[[Any], str]:
    if shape.kind == "string" and not shape.percent_encoded:
        return escape
    return text_of(shape)  # digits, instants, base64, percent-encoded: nothing to escape


# ── by a walk ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Layout:
    """Compiles writers. `text_of` tells how a scalar of a shape becomes character data."""

    text_of: Callable[[Shape], Callable[[Any], str]]

    def structure(self, name: str, shape: Shape, owner: Any, indent: str) -> Write:
        parts = tuple(
            (member.get, self._member(member.name, member.shape, member.type, indent + "  "))
            for member in members_of(shape, owner)
        )

        def write_content(value: Any, out: list[str]) -> None:
            for get, write in parts:
                part = get(value)
                if part is not None:
                    write(part, out)

        return _element(name, indent, write_content)

    def _member(self, name: str, shape: Shape, annotation: Any, indent: str) -> Write:
        if is_scalar(shape):
            return self._scalar(name, shape, indent)
        if shape.kind == "structure":
            return self.structure(name, shape, annotation, indent)
        if shape.member is not None:
            return self._list(name, shape.member, annotation, indent)
        return self._map(name, shape, annotation, indent)

    def _scalar(self, name: str, shape: Shape, indent: str) -> Write:
        opening, closing, text = f"{indent}<{name}>", f"</{name}>\n", self.text_of(shape)
        return lambda value, out: out.append(f"{opening}{text(value)}{closing}")

    def _list(self, name: str, member: Shape, annotation: Any, indent: str) -> Write:
        write_member = self._member("member", member, element_type(annotation), indent + "  ")

        def write_content(values: Any, out: list[str]) -> None:
            for value in values:
                write_member(value, out)

        return _element(name, indent, write_content)

    def _map(self, name: str, shape: Shape, annotation: Any, indent: str) -> Write:
        if shape.key is None or shape.value is None:
            raise TypeError(f"{shape.name} is a map without a key or a value")
        write_key = self._member("key", shape.key, None, indent + "    ")
        write_value = self._member("value", shape.value, element_type(annotation, of=1), indent + "    ")

        def write_content(values: Any, out: list[str]) -> None:
            for key, value in values.items():
                out.append(f"{indent}  <entry>\n")
                write_key(key, out)
                write_value(value, out)
                out.append(f"{indent}  </entry>\n")

        return _element(name, indent, write_content)


def _element(name: str, indent: str, write_content: Write) -> Write:
    """An element around other elements; `<Name/>` where there are none."""
    opening, closing, empty = f"{indent}<{name}>\n", f"{indent}</{name}>\n", f"{indent}<{name}/>\n"

    def write(value: Any, out: list[str]) -> None:
        at = len(out)
        out.append(opening)
        write_content(value, out)
        if len(out) == at + 1:
            out[at] = empty
        else:
            out.append(closing)

    return write


# ── by a template ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A scalar of an answer: the attributes that lead to it, and the names of its elements."""

    path: str
    names: tuple[str, ...]
    shape: Shape


def _leaves(shape: Shape, owner: Any) -> Sequence[_Leaf] | None:
    """All scalars of an answer; None where it has something whose elements may be none or many."""
    leaves: list[_Leaf] = []
    for member in members_of(shape, owner):
        if is_scalar(member.shape):
            leaves.append(_Leaf(member.field, (member.name,), member.shape))
            continue
        inner = None
        if member.shape.kind == "structure" and not member.optional:
            inner = _leaves(member.shape, member.type)
        if inner is None:
            return None
        leaves += [_Leaf(f"{member.field}.{leaf.path}", (member.name, *leaf.names), leaf.shape) for leaf in inner]
    return leaves


def _by_template(wrapper: str, output: Shape, leaves: Sequence[_Leaf], frame: str) -> Callable[[Any, str], bytes]:
    """Writes answers that consist of `leaves`, into a `frame` with a mark for the result and one for the request id."""
    lay_out = _Layout(lambda _: str).structure(wrapper, output, None, "  ")
    get = all_of([leaf.path for leaf in leaves])

    @lru_cache(maxsize=64)
    def template(present: tuple[bool, ...]) -> tuple[str, tuple[Callable[[Any], str], ...]]:
        """The template of the answers that have just these leaves, and how each of them becomes text."""
        there = [leaf for leaf, is_there in zip(leaves, present, strict=True) if is_there]
        marks: dict[str, Any] = {}
        for leaf in leaves:
            *above, name = leaf.names
            node = marks
            for each in above:
                node = node.setdefault(each, {})
            if leaf in there:
                node[name] = "%s"
        out: list[str] = []
        lay_out(marks, out)
        return frame % ("".join(out), "%s"), tuple(text_of(leaf.shape) for leaf in there)

    def encode(value: Any, request_id: str) -> bytes:
        found = get(value)
        present = tuple(map(is_not, found, repeat(None)))
        layout, writers = template(present)
        texts = tuple(map(call, writers, compress(found, present)))
        if not _is_plain("".join(texts)):
            texts = tuple(map(escape, texts))  # what needs no escaping stays as it is
        return (layout % (*texts, request_id)).encode()

    return encode
