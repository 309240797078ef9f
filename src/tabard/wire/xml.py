"""Answers of the query protocol in XML, laid out as AWS's are: no prolog, two spaces, a newline after each element.

Text is escaped so that no value can end its element, and what XML 1.0 (§2.2 `Char`) cannot hold becomes U+FFFD: a
value that a client chose never makes an answer unreadable.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from tabard.wire.bind import element_type, members_of
from tabard.wire.model import OperationModel, Shape
from tabard.wire.query import is_scalar
from tabard.wire.values import text_of

Write = Callable[[Any, list[str]], None]

CONTENT_TYPE: Final = "text/xml"
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def escape(text: str) -> str:
    """`text` as character data."""
    if text.isprintable():
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    # A bare carriage return would be read back as a newline (XML 1.0 §2.11).
    text = _NOT_XML.sub("\ufffd", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return text.replace("\r", "&#xD;")


def compile_xml(operation: OperationModel, response: type[Any] | None) -> Callable[[Any, str], bytes]:
    """A function of a response and the request id."""
    head = f'<{operation.name}Response xmlns="{operation.namespace}">\n'
    metadata = "  <ResponseMetadata>\n    <RequestId>"
    tail = f"</RequestId>\n  </ResponseMetadata>\n</{operation.name}Response>\n"
    if operation.output is None:
        return lambda _, request_id: f"{head}{metadata}{request_id}{tail}".encode()
    write = _structure(operation.result_wrapper, operation.output, response, "  ")

    def encode(value: Any, request_id: str) -> bytes:
        out = [head]
        write(value, out)
        out.append(f"{metadata}{request_id}{tail}")
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


def _write(name: str, shape: Shape, annotation: Any, indent: str) -> Write:
    if is_scalar(shape):
        return _scalar(name, shape, indent)
    if shape.kind == "structure":
        return _structure(name, shape, annotation, indent)
    if shape.member is not None:
        return _list(name, shape.member, annotation, indent)
    return _map(name, shape, annotation, indent)


def _scalar(name: str, shape: Shape, indent: str) -> Write:
    opening, closing, text = f"{indent}<{name}>", f"</{name}>\n", _text_of(shape)
    return lambda value, out: out.extend((opening, text(value), closing))


def _text_of(shape: Shape) -> Callable[[Any], str]:
    if shape.kind == "string" and not shape.percent_encoded:
        return escape
    return text_of(shape)  # digits, instants, base64, percent-encoded: nothing to escape


def _structure(name: str, shape: Shape, owner: Any, indent: str) -> Write:
    parts = tuple(
        (member.get, _write(member.name, member.shape, member.type, indent + "  "))
        for member in members_of(shape, owner)
    )

    def write_content(value: Any, out: list[str]) -> None:
        for get, write in parts:
            part = get(value)
            if part is not None:
                write(part, out)

    return _element(name, indent, write_content)


def _list(name: str, member: Shape, annotation: Any, indent: str) -> Write:
    write_member = _write("member", member, element_type(annotation), indent + "  ")

    def write_content(values: Any, out: list[str]) -> None:
        for value in values:
            write_member(value, out)

    return _element(name, indent, write_content)


def _map(name: str, shape: Shape, annotation: Any, indent: str) -> Write:
    if shape.key is None or shape.value is None:
        raise TypeError(f"{shape.name} is a map without a key or a value")
    write_key = _write("key", shape.key, None, indent + "    ")
    write_value = _write("value", shape.value, element_type(annotation, of=1), indent + "    ")

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
