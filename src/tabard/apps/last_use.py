"""When access keys were last used: noted in memory, written to the store once a minute.

A use changes no decision, so that losing the last minute of them loses nothing that anybody was told.
"""

from datetime import timedelta
from typing import ClassVar, Final

from tabard.actions.authenticated import Authenticated
from tabard.directory.entities import AccessKeyUse

MAXIMUM: Final = 10_000
"""Keys noted between two writes; beyond it, new keys wait for the next minute."""


class LastUses:
    """The newest use of each long-lived key since the last write."""

    INTERVAL: ClassVar = timedelta(minutes=1)

    def __init__(self) -> None:
        self._uses: dict[str, AccessKeyUse] = {}

    def note(self, who: Authenticated, *, service: str) -> None:
        """Note a proven use; sessions have no key that anybody could ask about."""
        key_id = who.caller.access_key_id
        if who.claims is not None or (len(self._uses) >= MAXIMUM and key_id not in self._uses):
            return
        self._uses[key_id] = AccessKeyUse(key_id=key_id, at=who.now, service=service, region=who.region)

    def take(self) -> list[AccessKeyUse]:
        """What was noted, and forget it."""
        uses = list(self._uses.values())
        self._uses.clear()
        return uses
