from datetime import UTC, timedelta

from tabard.adapters.clock import SystemClock, monotonic, pause


def test_the_system_clock_is_aware_and_in_utc():
    now = SystemClock().now()
    assert now.tzinfo is UTC


def test_a_pause_takes_at_least_its_time():
    before = monotonic()
    pause(timedelta(milliseconds=20))
    assert monotonic() - before >= 0.02
