"""The second factor: a code of an MFA device, believed once."""

from datetime import datetime
from typing import Final, Protocol

from tabard.faults import Denied

INCOMPLETE: Final = "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code. "
UNKNOWN_DEVICE: Final = (
    "MultiFactorAuthentication failed, unable to validate MFA code.  "
    "Please verify your MFA serial number is valid and associated with this user."
)
"""AWS's texts; the spaces are AWS's too."""


class MultiFactorAuthFailed(Denied):
    """The code, the device, or one of the two parameters is wrong (AWS: `AccessDenied`)."""

    reason = "mfa"


class SecondFactor(Protocol):
    """Verifies a TOTP code of one of the owner's own, enabled devices, and uses the code up.

    Raises:
        MultiFactorAuthFailed: no such device, not this owner's, a wrong or used code, or too many wrong ones.
    """

    async def verify(self, *, owner_id: str, serial_number: str, code: str, now: datetime) -> None: ...
