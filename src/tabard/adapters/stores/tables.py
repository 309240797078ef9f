"""The tables of a database store, the same for SQLite and PostgreSQL.

One row of `entities` is one entity: `record` holds it whole, as JSON; the other columns are what it is
found by. `attachments` and `memberships` are derived from the records and written with them. `changes`
is the change log, `state` the one row of counters. A row of `denials` is one denial: deflated JSON, `at` in
microseconds since 1970.

Text is compared bytewise on both databases, so that a list has one order wherever it is kept.

A change here needs a migration beside it (`migrations/versions`) and its revision in `REVISIONS`; a test
compares the tables that the migrations make with these.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql

REVISIONS: Final = ("0001", "0002")
"""The schema's revisions, oldest first; the last one is what `metadata` describes."""

VERSION_TABLE: Final = "tabard_schema"
"""Where the revision stands. The name is also how a store of ours is told from another database."""

metadata = MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s"},
)

_TEXT: Final = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")

entities = Table(
    "entities",
    metadata,
    Column("kind", _TEXT, nullable=False),
    Column("id", _TEXT, nullable=False),
    Column("scope", _TEXT, nullable=False),
    Column("folded", _TEXT),
    Column("path", _TEXT),
    Column("owner", _TEXT),
    Column("record", Text, nullable=False),
    PrimaryKeyConstraint("kind", "id"),
    UniqueConstraint("kind", "scope", "folded"),
    Index("ix_entities_owner", "owner"),
)

attachments = Table(
    "attachments",
    metadata,
    Column("kind", _TEXT, nullable=False),
    Column("entity_id", _TEXT, nullable=False),
    Column("policy_arn", _TEXT, nullable=False),
    Column("usage", _TEXT, nullable=False),
    Column("account", _TEXT, nullable=False),
    Column("record", Text, nullable=False),
    PrimaryKeyConstraint("kind", "entity_id", "policy_arn", "usage"),
    Index("ix_attachments_policy", "account", "policy_arn"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("user_id", _TEXT, nullable=False),
    Column("group_id", _TEXT, nullable=False),
    PrimaryKeyConstraint("user_id", "group_id"),
    Index("ix_memberships_group", "group_id"),
)

access_key_uses = Table(
    "access_key_uses",
    metadata,
    Column("key_id", _TEXT, nullable=False),
    Column("record", Text, nullable=False),
    PrimaryKeyConstraint("key_id"),
)

denials = Table(
    "denials",
    metadata,
    Column("id", _TEXT, nullable=False),
    Column("account", _TEXT, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("request_id", _TEXT, nullable=False),
    Column("access_key_id", _TEXT, nullable=False),
    Column("record", LargeBinary, nullable=False),
    PrimaryKeyConstraint("id"),
    Index("ix_denials_account", "account", "id"),
    Index("ix_denials_request", "request_id"),
    Index("ix_denials_key", "access_key_id", "id"),
)

changes = Table(
    "changes",
    metadata,
    Column("sequence", BigInteger, nullable=False, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
    Column("kind", _TEXT, nullable=False),
    Column("id", _TEXT, nullable=False),
    PrimaryKeyConstraint("sequence"),
    Index("ix_changes_revision", "revision", "sequence"),
)

state = Table(
    "state",
    metadata,
    Column("id", Integer, nullable=False, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("forgotten", BigInteger, nullable=False),
    Column("last_sealing_key", BigInteger, nullable=False),
    PrimaryKeyConstraint("id"),
)

FIRST_STATE: Final = {"id": 1, "revision": 0, "sequence": 0, "forgotten": 0, "last_sealing_key": 0}

schema_version = Table(
    VERSION_TABLE,
    metadata,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)
