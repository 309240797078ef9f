"""IAM Toolbox: AWS's API that tells why a request was denied. `ACTIONS` is the whole table."""

from typing import Final

from tabard.actions.desk import Action
from tabard.actions.iam_toolbox import authorization_details

ACTIONS: Final[tuple[Action, ...]] = authorization_details.ACTIONS
