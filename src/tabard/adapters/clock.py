"""The machine's clocks. No other file asks for the time."""

import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """`ports.world.Clock`: the time of day, which an operator may set back or forth."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def monotonic() -> float:
    """Seconds that only grow, for ages and time-outs."""
    return time.monotonic()


def pause(duration: timedelta) -> None:
    """Do nothing for a while. Not for the event loop."""
    time.sleep(duration.total_seconds())
