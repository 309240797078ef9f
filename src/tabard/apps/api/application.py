"""What answers on the AWS API's port: the few routes that are no calls, and the pipeline for all that are.

The AWS APIs are not route-shaped: a call is a `POST /` or `GET /` that names its action in a parameter, or a
`POST /` of JSON that names it in a header. What else may
come is answered as AWS STS answers it, as can be observed from outside; `/healthz` and `/readyz` are ours.
"""

import re
from typing import Final

from tabard.apps.dialects import JSON, QUERY, QUERY_IN_JSON, REST, TARGET, Dialect, names_an_action
from tabard.apps.http import HTTPRequest, HTTPResponse
from tabard.apps.pipeline import Pipeline
from tabard.ports.store import StoreUnavailable
from tabard.wire.json_protocol import CONTENT_TYPE
from tabard.wire.rest_json import PREFIX

FORM: Final = b"application/x-www-form-urlencoded"
METHODS: Final = frozenset({"GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD"})
UNKNOWN_PATH: Final = HTTPResponse(404, b"<UnknownOperationException/>\n", {"Content-Type": "text/xml"})
BROKEN_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
ABOUT: Final = "https://aws.amazon.com/iam"
"""Where AWS sends a browser that has no action to ask for."""
PREFLIGHT: Final = HTTPResponse(
    200,
    b"",
    {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Expose-Headers": "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date,smithy-protocol",
        "Access-Control-Max-Age": "172800",
    },
)


class APIApplication:
    """One worker's application: `apps.api.server.Application`."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    async def startup(self) -> None:
        await self._pipeline.startup()

    async def shutdown(self) -> None:
        await self._pipeline.shutdown()

    async def respond(self, request: HTTPRequest) -> HTTPResponse:
        """Answer one request. It never raises."""
        if b"%" in request.raw_path and BROKEN_ESCAPE.search(request.raw_path):
            return HTTPResponse(400)
        if request.method == "POST" and is_form(request) and names_an_action(request.body or request.raw_query):
            # On whatever path: the path takes part in the signature.
            return await self._pipeline.respond(request, request.body or request.raw_query, _query(request))
        if request.method == "POST" and request.raw_path == b"/" and _is_json_call(request):
            return await self._pipeline.respond(request, request.body, JSON)
        if request.method == "GET" and request.raw_path.startswith(PREFIX):
            return await self._pipeline.respond(request, b"", REST)
        if request.raw_path != b"/":
            return await self._elsewhere(request)
        if request.method == "POST" and not request.body and names_an_action(request.raw_query):
            return await self._pipeline.respond(request, request.raw_query, _query(request))
        if request.method == "GET" and names_an_action(request.raw_query):
            return await self._pipeline.respond(request, request.raw_query, _query(request))
        if request.method in {"GET", "POST"}:
            query = f"?{request.raw_query.decode('ascii')}" if request.raw_query and request.method == "GET" else ""
            return HTTPResponse(302, b"", {"Location": ABOUT + query, "x-amzn-RequestId": self._pipeline.new_id()})
        if request.method == "OPTIONS" and _is_preflight(request):
            return PREFLIGHT
        return UNKNOWN_PATH if request.method in METHODS else HTTPResponse(400)

    async def _elsewhere(self, request: HTTPRequest) -> HTTPResponse:
        if request.method == "GET" and request.raw_path == b"/healthz":
            return HTTPResponse(200, b"ok\n", {"Content-Type": "text/plain"})
        if request.method == "GET" and request.raw_path == b"/readyz":
            return await self._readiness()
        return UNKNOWN_PATH if request.method in METHODS else HTTPResponse(400)

    async def _readiness(self) -> HTTPResponse:
        try:
            await self._pipeline.require_ready()
        except StoreUnavailable as error:
            return HTTPResponse(503, f"{error}\n".encode(), {"Content-Type": "text/plain"})
        return HTTPResponse(200, b"ready\n", {"Content-Type": "text/plain"})


def is_form(request: HTTPRequest) -> bool:
    """Whether the body is declared to be a form. Another type, or none, is not guessed at."""
    return _header(request, b"content-type").split(b";", 1)[0].strip().lower() == FORM


def _is_json_call(request: HTTPRequest) -> bool:
    """Whether it is a call in the JSON protocol. With another type of body, `X-Amz-Target` means nothing."""
    kind = _header(request, b"content-type").split(b";", 1)[0].strip().lower()
    return kind == CONTENT_TYPE.encode() and any(name == TARGET for name, _ in request.headers)


def _query(request: HTTPRequest) -> Dialect:
    """In what a call of the query protocol wants its answer."""
    return QUERY_IN_JSON if _header(request, b"accept").lower().startswith(b"application/json") else QUERY


def _header(request: HTTPRequest, wanted: bytes) -> bytes:
    """The first value of a header; empty without one."""
    return next((value for name, value in request.headers if name == wanted), b"")


def _is_preflight(request: HTTPRequest) -> bool:
    names = {name for name, _ in request.headers}
    return b"origin" in names and b"access-control-request-method" in names
