"""The smallest servers there can be: a request in, 1.5 KB out. `python -m bench.echo (asgi|guarded) PORT`."""

import sys

import uvicorn

from tabard.apps.api.server import serve
from tabard.apps.http import HTTPRequest, HTTPResponse

ANSWER = b"x" * 1500


async def asgi(scope, receive, send):
    assert scope["type"] == "http"
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"text/xml"), (b"content-length", b"1500")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWER})


class Echo:
    async def respond(self, request: HTTPRequest) -> HTTPResponse:  # noqa: ARG002 - an echo does not listen
        return HTTPResponse(200, ANSWER, {"Content-Type": "text/xml"})

    async def startup(self) -> None: ...

    async def shutdown(self) -> None: ...


def main() -> None:
    kind, port = sys.argv[1], int(sys.argv[2])
    if kind == "guarded":
        serve(Echo, host="127.0.0.1", port=port)
    else:
        uvicorn.run(
            asgi,
            host="127.0.0.1",
            port=port,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_level="warning",
            access_log=False,
        )


if __name__ == "__main__":
    main()
