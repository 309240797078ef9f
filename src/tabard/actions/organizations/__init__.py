"""Organizations: one module per noun. `ACTIONS` is the whole table."""

from collections.abc import Mapping
from itertools import chain
from typing import Final

from tabard.actions.desk import Action
from tabard.actions.organizations import accounts, attachments, organization, policies, tags, units

ACTIONS: Final[tuple[Action, ...]] = tuple(
    chain.from_iterable(module.ACTIONS for module in (organization, units, accounts, policies, attachments, tags))
)

_ADD: Final = "the operator adds an account of this store with `tabard org accounts add`"
INSTEAD: Final[Mapping[str, str]] = {
    "CreateAccount": _ADD,
    "CreateGovCloudAccount": _ADD,
    "InviteAccountToOrganization": _ADD,
    "AcceptHandshake": _ADD,
    "LeaveOrganization": "the management account takes a member out with RemoveAccountFromOrganization",
}
"""What to do in the place of an operation that is not built."""
