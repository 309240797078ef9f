"""Policies that are about to be saved: what may be saved and should not be.

AWS's own checks come first (`policy.parse`), and then everything else that the operation refuses; what is dangerous is
refused last, so that no text of AWS's is hidden behind one of ours.
"""

from tabard.actions.desk import Desk
from tabard.policy.document import Kind, Policy
from tabard.policy.lint.check import find, refusal
from tabard.policy.lint.findings import PURPOSES, Level


def require_sound(desk: Desk, policy: Policy, text: str, kind: Kind) -> None:
    """Refuse a document with errors; note its warnings for the audit record. `policy` is the text, read.

    Raises:
        MalformedPolicy: it is dangerous, as far as `desk.levels` calls that an error.
    """
    purpose = PURPOSES[kind]
    findings = find(policy, purpose, desk.levels)
    refused = refusal(findings, text, purpose)
    if refused is not None:
        raise refused
    desk.warnings.extend(finding for finding in findings if finding.level is Level.WARNING)
