"""Virtual MFA devices in the store: a code is checked and used up in one exclusive transaction."""

import asyncio
from concurrent.futures import Executor
from datetime import datetime
from typing import Final

from tabard.directory import totp
from tabard.ports.second_factor import UNKNOWN_DEVICE, MultiFactorAuthFailed
from tabard.ports.secret_box import SecretBox
from tabard.ports.store import Store

WRONG_CODE: Final = "MultiFactorAuthentication failed with invalid MFA one time pass code. "


class StoredDevices:
    """`ports.second_factor.SecondFactor` over a store."""

    def __init__(self, store: Store, secrets: SecretBox, executor: Executor) -> None:
        self._store = store
        self._secrets = secrets
        self._executor = executor

    async def verify(self, *, owner_id: str, serial_number: str, code: str, now: datetime) -> None:
        loop = asyncio.get_running_loop()
        fault = await loop.run_in_executor(self._executor, self._verify, owner_id, serial_number, code, now)
        if fault is not None:
            raise fault

    def _verify(self, owner_id: str, serial_number: str, code: str, now: datetime) -> MultiFactorAuthFailed | None:
        """The fault is answered, not raised: a wrong code must be counted, and raising would undo the count."""
        with self._store.write() as records:
            device = records.mfa_devices.get(serial_number)
            if device is None or device.owner_id != owner_id or device.enabled is None:
                return MultiFactorAuthFailed(UNKNOWN_DEVICE, reason="mfa.unknown-device")
            was_locked = totp.is_locked(device)
            seed = self._secrets.open(device.serial_number, device.sealed_seed)
            after, accepted = totp.after_code(device, code, seed=seed, now=now)
            if after != device:
                records.mfa_devices.put(after)
        if accepted:
            return None
        return MultiFactorAuthFailed(WRONG_CODE, reason="mfa.locked" if was_locked else "mfa.wrong-code")
