"""Instants in conditions: the W3C profile of ISO 8601, or seconds since 1970, as nanoseconds since 1970.

AWS saves what its reader reads, and that is much: one digit where two belong, a year beyond the calendar, a
date that ends in its `T`. What it refuses is kept out of the store by `parse`; so this is its reader, held
to the recorded documents. A month, a day or a time that is not there is its first; an offset that is not there
is UTC; a leap second is no instant.
"""

import re
from typing import Final

NANOSECONDS: Final = 10**9
_SECOND: Final = NANOSECONDS
_EPOCH_LIMIT: Final = 2**63
_DAYS_TO_1970: Final = 719_468
_DAYS_IN_400_YEARS: Final = 146_097

_EPOCH: Final = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_ISO: Final = re.compile(
    r"(?P<year>[+-]?[0-9]{1,9})(?:-(?P<month>[0-9]{1,2})(?:-(?P<day>[0-9]{1,2}))?)?"
    r"(?:[Tt](?:(?P<hour>[0-9]{1,2})(?::(?P<minute>[0-9]{1,2})(?::(?P<second>[0-9]{1,2})(?:[.,](?P<part>[0-9]{1,9}))?)?)?)?"
    r"(?P<zone>[Zz]|(?P<sign>[+-])(?P<zone_hour>[0-9]{1,2})(?::?(?P<zone_minute>[0-9]{2}))?)?)?",
    re.ASCII,
)


def read_instant(text: str) -> int | None:
    """Nanoseconds since 1970, or None for what is no instant."""
    if _EPOCH.fullmatch(text):
        seconds = int(text)
        return seconds * _SECOND if -_EPOCH_LIMIT <= seconds < _EPOCH_LIMIT else None
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    year, month, day = int(found["year"]), int(found["month"] or 1), int(found["day"] or 1)
    hour, minute, second = int(found["hour"] or 0), int(found["minute"] or 0), int(found["second"] or 0)
    ahead_hours, ahead_minutes = int(found["zone_hour"] or 0), int(found["zone_minute"] or 0)
    if not 1 <= month <= 12 or not 1 <= day <= _days_in(year, month) or hour > 23 or minute > 59 or second > 59:
        return None
    if ahead_hours > 23 or ahead_minutes > 59:
        return None
    ahead = (ahead_hours * 60 + ahead_minutes) * (-60 if found["sign"] == "-" else 60)
    seconds = _days_since_1970(year, month, day) * 86_400 + (hour * 60 + minute) * 60 + second - ahead
    return seconds * _SECOND + int((found["part"] or "0").ljust(9, "0"))


def _days_in(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _days_since_1970(year: int, month: int, day: int) -> int:
    """Days in the proleptic Gregorian calendar, whose years are counted here from 1 March."""
    year, month = (year, month - 3) if month > 2 else (year - 1, month + 9)
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * month + 2) // 5 + day - 1
    return (
        era * _DAYS_IN_400_YEARS
        + year_of_era * 365
        + year_of_era // 4
        - year_of_era // 100
        + day_of_year
        - _DAYS_TO_1970
    )
