"""Users, groups and memberships against a model of plain dictionaries, over any sequence of operations."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tabard.faults import Fault
from tabard.names.tags import fold
from tests.unit.actions.iam.scripts import play
from tests.worlds import World

NAMES = st.sampled_from(["ann", "Ann", "ANN", "bob", "Bob", "cy"])
POLICIES = st.sampled_from(["arn:aws:iam::aws:policy/IAMFullAccess", "arn:aws:iam::aws:policy/PowerUserAccess"])


class Identities(RuleBasedStateMachine):
    """The model knows names as they were given, memberships and attachments; users by folded name."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.users: dict[str, str] = {}
        self.groups: dict[str, str] = {}
        self.members: set[tuple[str, str]] = set()
        self.attached: set[tuple[str, str]] = set()

    def outcome(self, operation: str, **parameters: str) -> str | None:
        """The reason of the refusal, or None."""
        try:
            play(self.world, operation, parameters)
        except Fault as fault:
            return fault.reason
        return None

    @rule(name=NAMES)
    def create_user(self, name: str) -> None:
        taken = fold(name) in self.users
        assert self.outcome("CreateUser", user_name=name) == ("user.exists" if taken else None)
        self.users.setdefault(fold(name), name)

    @rule(name=NAMES)
    def create_group(self, name: str) -> None:
        taken = fold(name) in self.groups
        assert self.outcome("CreateGroup", group_name=name) == ("group.exists" if taken else None)
        self.groups.setdefault(fold(name), name)

    @rule(old=NAMES, new=NAMES)
    def rename_user(self, old: str, new: str) -> None:
        before, after = fold(old), fold(new)
        expected = None
        if before not in self.users:
            expected = "user.missing"
        elif after != before and after in self.users:
            expected = "user.exists"
        assert self.outcome("UpdateUser", user_name=old, new_user_name=new) == expected
        if expected is None:
            del self.users[before]
            self.users[after] = new
            self.members = {(group, after if user == before else user) for group, user in self.members}
            self.attached = {(after if user == before else user, arn) for user, arn in self.attached}

    @rule(name=NAMES)
    def delete_user(self, name: str) -> None:
        user = fold(name)
        expected = None
        if user not in self.users:
            expected = "user.missing"
        elif any(holder == user for holder, _ in self.attached):
            expected = "in-use.attached"
        elif any(member == user for _, member in self.members):
            expected = "in-use.groups"
        assert self.outcome("DeleteUser", user_name=name) == expected
        if expected is None:
            del self.users[user]

    @rule(name=NAMES)
    def delete_group(self, name: str) -> None:
        group = fold(name)
        expected = None
        if group not in self.groups:
            expected = "group.missing"
        elif any(held == group for held, _ in self.members):
            expected = "in-use.members"
        assert self.outcome("DeleteGroup", group_name=name) == expected
        if expected is None:
            del self.groups[group]

    @rule(group=NAMES, user=NAMES, joins=st.booleans())
    def membership(self, group: str, user: str, joins: bool) -> None:
        pair = (fold(group), fold(user))
        expected = None
        if pair[1] not in self.users:
            expected = "user.missing"
        elif pair[0] not in self.groups:
            expected = "group.missing"
        elif not joins and pair not in self.members:
            expected = "user.missing"
        operation = "AddUserToGroup" if joins else "RemoveUserFromGroup"
        assert self.outcome(operation, group_name=group, user_name=user) == expected
        if expected is None:
            self.members = self.members | {pair} if joins else self.members - {pair}

    @rule(user=NAMES, arn=POLICIES, attaches=st.booleans())
    def attachment(self, user: str, arn: str, attaches: bool) -> None:
        pair = (fold(user), arn)
        expected = None
        if pair[0] not in self.users:
            expected = "user.missing"
        elif not attaches and pair not in self.attached:
            expected = "policy.not-attached"
        operation = "AttachUserPolicy" if attaches else "DetachUserPolicy"
        assert self.outcome(operation, user_name=user, policy_arn=arn) == expected
        if expected is None:
            self.attached = self.attached | {pair} if attaches else self.attached - {pair}

    @invariant()
    def lists_agree(self) -> None:
        users = [user.user_name for user in play(self.world, "ListUsers", {}).users]
        assert users == [self.users[key] for key in sorted(self.users)]
        groups = [group.group_name for group in play(self.world, "ListGroups", {}).groups]
        assert groups == [self.groups[key] for key in sorted(self.groups)]

    @invariant()
    def members_agree(self) -> None:
        for group in self.groups:
            shown = {fold(user.user_name) for user in play(self.world, "GetGroup", {"group_name": group}).users}
            assert shown == {user for held, user in self.members if held == group}


TestIdentities = Identities.TestCase
TestIdentities.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
