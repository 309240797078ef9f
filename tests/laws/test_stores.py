"""The memory store and SQLite cannot be told apart: whatever is done to both, both answer the same."""

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tabard.adapters.stores.memory import MemoryStore
from tabard.adapters.stores.sqlite import open_sqlite
from tabard.directory.entities import AccessKey, AccessKeyUse, Group, ManagedPolicy, PolicyVersion, Role, User
from tabard.ports.store import NameTaken, Records, Store

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
"""No shrinking: every example makes a store on disk."""
START = datetime(2026, 3, 1, tzinfo=UTC)
ACCOUNTS = st.sampled_from(["111122223333", "444455556666"])
NAMES = st.sampled_from(["a", "A", "b", "B_", "b%", "_", "é", "É"])
PATHS = st.sampled_from(["/", "/a/", "/a%/", "/a_/", "/A/", "/a/b/"])
PREFIXES = st.sampled_from(["/", "/a", "/a%", "/a_", "/a/", "/A"])
IDS = st.sampled_from(["1", "2", "3", "4"])
ARNS = st.sampled_from(["arn:p", "arn:q"])
INSTANTS = st.integers(0, 5).map(lambda n: START + timedelta(microseconds=n))
INLINE = st.dictionaries(NAMES, st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=2)

USERS = st.builds(
    User,
    account=ACCOUNTS,
    name=NAMES,
    id=IDS,
    created=INSTANTS,
    path=PATHS,
    tags=INLINE,
    permissions_boundary=st.none() | ARNS,
    inline_policies=INLINE,
    attached_policies=st.lists(ARNS, max_size=3).map(tuple),
    groups=st.lists(IDS, max_size=3).map(tuple),
)
GROUPS = st.builds(
    Group, account=ACCOUNTS, name=NAMES, id=IDS, created=INSTANTS, path=PATHS, attached_policies=st.tuples(ARNS)
)
ROLES = st.builds(
    Role,
    account=ACCOUNTS,
    name=NAMES,
    id=IDS,
    created=INSTANTS,
    path=PATHS,
    assume_role_policy_document=st.just("{}"),
    max_session_duration=st.integers(900, 43200).map(lambda n: timedelta(seconds=n)),
    permissions_boundary=st.none() | ARNS,
    attached_policies=st.lists(ARNS, max_size=2).map(tuple),
)
VERSIONS = st.builds(PolicyVersion, id=IDS, document=st.just("{}"), created=INSTANTS)
POLICIES = st.builds(
    ManagedPolicy,
    account=ACCOUNTS,
    name=NAMES,
    id=IDS,
    created=INSTANTS,
    updated=INSTANTS,
    path=PATHS,
    versions=st.tuples(VERSIONS),
)
KEYS = st.builds(
    AccessKey, id=IDS, account=ACCOUNTS, owner_id=IDS, sealed_secret=st.binary(max_size=4), created=INSTANTS
)
ENTITIES = st.one_of(
    st.tuples(st.just("users"), USERS),
    st.tuples(st.just("groups"), GROUPS),
    st.tuples(st.just("roles"), ROLES),
    st.tuples(st.just("policies"), POLICIES),
    st.tuples(st.just("access_keys"), KEYS),
)
STEPS = st.tuples(st.sampled_from(["put", "delete"]), ENTITIES)


class Abandoned(Exception):  # noqa: N818 - the caller's own reason to stop
    pass


def outcome_of(work: Callable[[], object]) -> object:
    try:
        return work()
    except NameTaken:
        return NameTaken


class Twins(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="tabard-twins-"))
        self.stores: list[Store] = [MemoryStore(), open_sqlite(self.folder / "store", create=True)]

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        shutil.rmtree(self.folder)

    def ask(self, question: Callable[[Records], object]) -> None:
        """Both answer the same."""
        answers = []
        for store in self.stores:
            with store.read() as records:
                answers.append(question(records))
        assert answers[0] == answers[1]

    @rule(steps=st.lists(STEPS, min_size=1, max_size=5), fails=st.booleans())
    def write(self, steps, fails):
        outcomes = []
        for store in self.stores:
            done = []
            try:
                with store.write() as records:
                    for verb, (port, entity) in steps:
                        change = getattr(getattr(records, port), verb)
                        done.append(outcome_of(lambda change=change, entity=entity: change(entity)))
                    if fails:
                        raise Abandoned  # noqa: TRY301 - this is how a caller abandons a transaction
            except Abandoned:
                done.append(Abandoned)
            outcomes.append(done)
        assert outcomes[0] == outcomes[1]

    @rule(key=IDS, at=INSTANTS)
    def use_a_key(self, key, at):
        for store in self.stores:
            with store.write() as records:
                records.access_keys.record_use(AccessKeyUse(key_id=key, at=at, service="s3", region="eu"))
        self.ask(lambda records: records.access_keys.last_use(key))

    @rule(
        port=st.sampled_from(["users", "groups", "roles", "policies"]),
        account=ACCOUNTS,
        name=NAMES,
        prefix=PREFIXES,
        limit=st.integers(1, 4),
    )
    def look(self, port, account, name, prefix, limit):
        self.ask(lambda records: getattr(records, port).get(account, name))
        self.ask(lambda records: getattr(records, port).count(account))
        self.ask(
            lambda records: list(getattr(records, port).list(account, path_prefix=prefix, after=name, limit=limit))
        )

    @rule(owner=IDS, account=ACCOUNTS, arn=ARNS, name=NAMES, limit=st.integers(1, 4))
    def follow(self, owner, account, arn, name, limit):
        self.ask(lambda records: list(records.access_keys.of(owner)))
        self.ask(lambda records: list(records.users.in_group(owner, after=name, limit=limit)))
        self.ask(lambda records: list(records.policies.attachments(account, arn)))

    @invariant()
    def the_logs_agree(self):
        assert self.stores[0].revision() == self.stores[1].revision()
        for known in range(max(0, self.stores[0].revision() - 2), self.stores[0].revision() + 2):
            assert self.stores[0].changes_since(known) == self.stores[1].changes_since(known)


def test_memory_and_sqlite_cannot_be_told_apart():

    run_state_machine_as_test(
        Twins, settings=settings(max_examples=30, stateful_step_count=20, deadline=None, phases=QUICK)
    )
