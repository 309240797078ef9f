"""A server to be started and ended by tests: `python served.py PORT WORKERS MOOD [CERTIFICATE KEY]`."""

import asyncio
import os
import sys
from pathlib import Path

from tabard.apps.api.protocol import Limits
from tabard.apps.api.server import serve
from tabard.apps.http import HTTPRequest, HTTPResponse


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Application:
    def __init__(self, mood: str) -> None:
        self.mood = mood
        if mood == "unmade":
            raise ValueError("the file is unreadable")

    async def startup(self) -> None:
        if self.mood == "unready":
            raise ValueError("the store is away")

    async def shutdown(self) -> None:
        say("ended")

    async def respond(self, request: HTTPRequest) -> HTTPResponse:
        if request.raw_path == b"/die":
            os._exit(9)
        if request.raw_path == b"/slow":
            await asyncio.sleep(0.5)
        if request.raw_path == b"/forever":
            await asyncio.sleep(3600)
        return HTTPResponse(200, str(os.getpid()).encode())


def main() -> None:
    port, workers, mood, *files = sys.argv[1:]
    tls = (Path(files[0]), Path(files[1])) if files else None
    try:
        serve(
            lambda: Application(mood),
            host="127.0.0.1",
            port=int(port),
            workers=int(workers),
            tls=tls,
            limits=Limits(shutdown_seconds=1),
            ready=lambda real: say(str(real)),
        )
    except Exception as error:  # noqa: BLE001 - the test wants to read it
        say(f"{type(error).__name__} {error}")
        sys.exit(7)
    say("returned")


if __name__ == "__main__":
    main()
