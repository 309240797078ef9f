"""The dialects that a call may come in: how it names its operation, and how its answer is written.

The query protocol (STS, IAM) answers in XML, or in JSON for callers that ask for that; the JSON protocol
(Organizations) and the REST protocol (IAM Toolbox) answer in JSON. What happens between question and answer is the
same for all: the pipeline.
"""

from typing import Any, Final, Protocol

from tabard.apps.http import HTTPRequest
from tabard.faults import Malformed
from tabard.wire import json_answers, json_protocol, rest_json
from tabard.wire.codec import Codec
from tabard.wire.faults import Answer, answer_to, json_answer_to, rest_answer_to
from tabard.wire.json_protocol import find_target
from tabard.wire.model import OperationModel
from tabard.wire.query import find_operation, parse_form, parse_outline
from tabard.wire.rest_json import UnreadableQuery

MAXIMUM_FORM: Final = 1_000_000
"""Bytes of a form, which is read before anybody is proven. The longest policy, percent-encoded throughout, fits."""
TARGET: Final = b"x-amz-target"


class FormTooLarge(Malformed):
    """More than the operation can need; reading it would hold up everybody else."""

    reason = "form.size"
    default_public = "The request is too large."


class AmbiguousRequest(Malformed):
    """An action is named twice; only one would be acted on."""

    reason = "form.two-actions"
    default_public = "The action must be given once, in the body or in the query string."


class Dialect(Protocol):
    """How calls are read and answered. `read` gives the name of the operation, and what it is called with."""

    @property
    def content_type(self) -> str: ...
    def read(self, http: HTTPRequest, source: bytes) -> tuple[str, Any]: ...
    def find(self, name: str, arguments: Any) -> OperationModel: ...
    def write(self, codec: Codec[Any, Any], response: object, request_id: str) -> bytes: ...
    def answer(self, error: Exception, operation: OperationModel | None) -> Answer: ...
    def refuse(self, answer: Answer, request_id: str) -> bytes: ...
    def error_headers(self, answer: Answer) -> dict[str, str]: ...


class QueryDialect:
    """The query protocol. `source` is the form: the body or the query string. Of a large one the outline is read."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self.content_type = json_answers.CONTENT_TYPE if as_json else "text/xml"

    def read(self, http: HTTPRequest, source: bytes) -> tuple[str, dict[str, str]]:
        if source is http.body and names_an_action(http.raw_query):
            raise AmbiguousRequest
        is_large = len(source) > MAXIMUM_FORM
        form = parse_outline(source) if is_large else parse_form(source, unique=source is http.raw_query)
        return form.get("Action", ""), form

    def find(self, _name: str, arguments: dict[str, str]) -> OperationModel:
        return find_operation(arguments)

    def write(self, codec: Codec[Any, Any], response: object, request_id: str) -> bytes:
        return (codec.encode_json if self._as_json else codec.encode_xml)(response, request_id)

    def answer(self, error: Exception, operation: OperationModel | None) -> Answer:
        return answer_to(error, operation)

    def refuse(self, answer: Answer, request_id: str) -> bytes:
        return answer.render(request_id, as_json=self._as_json)

    def error_headers(self, _answer: Answer) -> dict[str, str]:
        return {}


class JSONDialect:
    """The JSON protocol. `source` is the body, which nobody reads before the caller is proven."""

    content_type = json_protocol.CONTENT_TYPE

    def read(self, http: HTTPRequest, source: bytes) -> tuple[str, bytes]:
        targets = [value for name, value in http.headers if name == TARGET]
        if len(targets) > 1 or names_an_action(http.raw_query):
            raise AmbiguousRequest("The operation must be given once, in X-Amz-Target.")
        return b"".join(targets).decode("latin-1"), source

    def find(self, name: str, _arguments: bytes) -> OperationModel:
        return find_target(name)

    def write(self, codec: Codec[Any, Any], response: object, request_id: str) -> bytes:
        return codec.encode_json(response, request_id)

    def answer(self, error: Exception, _operation: OperationModel | None) -> Answer:
        return json_answer_to(error)

    def refuse(self, answer: Answer, _request_id: str) -> bytes:
        return answer.render_json()

    def error_headers(self, answer: Answer) -> dict[str, str]:
        return {"x-amzn-ErrorType": answer.code}


class RESTDialect:
    """The REST protocol: the path names the operation, and parameters are in it and in the query string."""

    content_type = rest_json.CONTENT_TYPE

    def read(self, http: HTTPRequest, _source: bytes) -> tuple[str, dict[str, str]]:
        if http.body:
            raise UnreadableQuery("The operation takes no body.", reason="query.body")
        return rest_json.read_route(http.raw_path, http.raw_query)

    def find(self, name: str, _arguments: dict[str, str]) -> OperationModel:
        return rest_json.OPERATIONS[name]

    def write(self, codec: Codec[Any, Any], response: object, request_id: str) -> bytes:
        return codec.encode_json(response, request_id)

    def answer(self, error: Exception, _operation: OperationModel | None) -> Answer:
        return rest_answer_to(error)

    def refuse(self, answer: Answer, _request_id: str) -> bytes:
        return rest_json.render_error(answer.message)

    def error_headers(self, answer: Answer) -> dict[str, str]:
        return {"x-amzn-ErrorType": answer.code}


QUERY: Final[Dialect] = QueryDialect(as_json=False)
QUERY_IN_JSON: Final[Dialect] = QueryDialect(as_json=True)
JSON: Final[Dialect] = JSONDialect()
REST: Final[Dialect] = RESTDialect()


def names_an_action(form: bytes) -> bool:
    """Whether a form or a query string has an `Action`, spelt plainly."""
    return form.startswith(b"Action=") or b"&Action=" in form
