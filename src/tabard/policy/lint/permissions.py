"""Rules on how much a statement allows."""

from collections.abc import Iterator

from tabard.policy.document import VERSION_2012
from tabard.policy.lint.findings import Note
from tabard.policy.lint.view import View


def everything(view: View) -> Iterator[Note]:
    """All actions on all resources."""
    if view.allows and not view.blocks and "*" in view.statement.actions and "*" in view.statement.resources:
        yield Note(
            ("Action", view.statement.actions.index("*")),
            "All actions on all resources are allowed.",
            'the actions that are needed, such as ["s3:GetObject", "s3:ListBucket"], on the resources that they need',
        )


def not_action(view: View) -> Iterator[Note]:
    """`NotAction` with `Allow`."""
    if view.allows and view.statement.not_actions and "*" not in view.statement.not_actions:
        yield Note(
            ("NotAction",),
            "An Allow with NotAction allows every other action, those of services to come too.",
            "Action with what is needed; to take something away, a Deny of its own",
        )


def not_resource(view: View) -> Iterator[Note]:
    """`NotResource` with `Allow`."""
    if view.allows and view.statement.not_resources and "*" not in view.statement.not_resources:
        yield Note(
            ("NotResource",),
            "An Allow with NotResource allows the actions on every other resource, those to come too.",
            "Resource with what is needed; to take something away, a Deny of its own",
        )


def pass_any_role(view: View) -> Iterator[Note]:
    """`iam:PassRole` on any role, to any service."""
    at = _on_any_role(view, "iam:passrole")
    if at is not None and "iam:passedtoservice" not in view.narrowed:
        yield Note(
            ("Action", at),
            "Any role may be passed to any service, so that whoever may start something gets what any role may do.",
            '"Resource": "arn:aws:iam::111122223333:role/app/*" and '
            '{"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}',
        )


def assume_any_role(view: View) -> Iterator[Note]:
    """`sts:AssumeRole` on any role."""
    at = _on_any_role(view, "sts:assumerole")
    if at is not None and not view.narrowed:
        yield Note(
            ("Action", at),
            "Every role that trusts the account may be taken, those of other accounts too.",
            '"Resource": "arn:aws:iam::111122223333:role/app/*"',
        )


def old_version(view: View) -> Iterator[Note]:
    """A document that is not of the current version; said with its first statement."""
    if not view.has_variables and view.statement.index == 0:
        yield Note(
            (),
            "The document is not of version 2012-10-17: it has no variables, and CreatePolicy refuses it.",
            f'"Version": "{VERSION_2012}"',
        )


def _on_any_role(view: View, action: str) -> int | None:
    """The index of the action that covers this one, where the resources leave the role open."""
    statement = view.statement
    if not view.allows or not any(_is_any_role(resource) for resource in statement.resources):
        return None
    if "*" in statement.actions and "*" in statement.resources:
        return None  # that everything is allowed is said already
    return view.covers(action)


def _is_any_role(resource: str) -> bool:
    return resource == "*" or (resource.startswith("arn:") and resource.rpartition(":")[2] in ("*", "role/*"))
