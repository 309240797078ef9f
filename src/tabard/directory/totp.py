"""Time-based one-time codes of virtual MFA devices (RFC 6238 over RFC 4226: SHA-1, six digits, 30 seconds).

A code is good in its own time step, the one before and the one after, and a step is accepted once: after it,
neither that code nor an older one is (RFC 6238, section 5.2). Every candidate is computed and compared in
constant time, whatever the first one said.

Guessing is bounded by a count, not by a wait: after `MAXIMUM_FAILURES` wrong codes in a row a device
accepts no single code at all, the right one included, however much time passes. It is opened again by
`ResyncMFADevice` or a new `EnableMFADevice`, both of which take two consecutive codes: twelve digits that
have to be right at once, too many to guess. So a locked device needs no exception that could be abused.
"""

import base64
import hmac
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

import pyotp

from tabard.directory.entities import MFADevice

SEED_ENTROPY: Final = 40
"""Bytes of entropy in a seed; in base32 they are the 64 characters that AWS gives out, without padding."""
STEP_SECONDS: Final = 30
WINDOW: Final = 1
"""Steps that a device's clock may be early or late."""
MAXIMUM_FAILURES: Final = 5
ISSUER: Final = "Tabard"
_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)


def base32_seed(seed: bytes) -> str:
    """The seed as authenticator apps take it."""
    return base64.b32encode(seed).decode()


def enrolment_uri(seed: bytes, *, label: str) -> str:
    """The `otpauth://` text that the QR code of a new device holds (Key URI Format)."""
    return pyotp.TOTP(base32_seed(seed)).provisioning_uri(name=label, issuer_name=ISSUER)


def verify_code(seed: bytes, code: str, *, now: datetime, last_step: int) -> int | None:
    """The step that `code` proves, later than `last_step`; None when it proves none."""
    current = _step(now)
    return _match(seed, (code,), range(current - WINDOW, current + WINDOW + 1), last_step)


def verify_consecutive_codes(seed: bytes, first: str, second: str, *, now: datetime, last_step: int) -> int | None:
    """The step of the second of two codes that follow one another; None when they do not.

    The second has to be in the window, so the first may be one step older than any single code.
    """
    current = _step(now)
    step = _match(seed, (first, second), range(current - WINDOW - 1, current + WINDOW), last_step)
    return None if step is None else step + 1


def is_locked(device: MFADevice) -> bool:
    """Too many wrong codes in a row: only two consecutive codes help."""
    return device.failures >= MAXIMUM_FAILURES


def after_code(device: MFADevice, code: str, *, seed: bytes, now: datetime) -> tuple[MFADevice, bool]:
    """The device as it is after someone gave a code, and whether the code is accepted.

    A wrong code that is not written down is a free guess: whoever asks has to store the device.
    """
    if is_locked(device):
        return device, False
    step = verify_code(seed, code, now=now, last_step=device.last_step)
    if step is None:
        return replace(device, failures=device.failures + 1), False
    return replace(device, last_step=step, failures=0), True


def _step(now: datetime) -> int:
    return int(now.timestamp()) // STEP_SECONDS


def _match(seed: bytes, codes: tuple[str, ...], starts: Iterable[int], last_step: int) -> int | None:
    """The latest step after `last_step` from which the codes run; every start is tried."""
    if not all(_CODE.fullmatch(code) for code in codes):
        return None
    generator = pyotp.HOTP(base32_seed(seed))
    given = "".join(codes)
    found = None
    for start in starts:
        expected = "".join(generator.at(start + offset) for offset in range(len(codes)))
        if hmac.compare_digest(given, expected) and start > last_step:
            found = start
    return found
