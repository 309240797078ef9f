"""The first schema."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

_TEXT: Final = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "entities",
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("scope", _TEXT, nullable=False),
        sa.Column("folded", _TEXT),
        sa.Column("path", _TEXT),
        sa.Column("owner", _TEXT),
        sa.Column("record", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name="pk_entities"),
        sa.UniqueConstraint("kind", "scope", "folded", name="uq_entities_kind_scope_folded"),
    )
    op.create_index("ix_entities_owner", "entities", ["owner"])
    op.create_table(
        "attachments",
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("entity_id", _TEXT, nullable=False),
        sa.Column("policy_arn", _TEXT, nullable=False),
        sa.Column("usage", _TEXT, nullable=False),
        sa.Column("account", _TEXT, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("kind", "entity_id", "policy_arn", "usage", name="pk_attachments"),
    )
    op.create_index("ix_attachments_policy", "attachments", ["account", "policy_arn"])
    op.create_table(
        "memberships",
        sa.Column("user_id", _TEXT, nullable=False),
        sa.Column("group_id", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "group_id", name="pk_memberships"),
    )
    op.create_index("ix_memberships_group", "memberships", ["group_id"])
    op.create_table(
        "access_key_uses",
        sa.Column("key_id", _TEXT, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_access_key_uses"),
    )
    op.create_table(
        "changes",
        sa.Column("sequence", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("id", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_changes"),
    )
    op.create_index("ix_changes_revision", "changes", ["revision", "sequence"])
    state = op.create_table(
        "state",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("forgotten", sa.BigInteger, nullable=False),
        sa.Column("last_sealing_key", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_state"),
    )
    op.bulk_insert(state, [{"id": 1, "revision": 0, "sequence": 0, "forgotten": 0, "last_sealing_key": 0}])
