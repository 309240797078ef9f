"""How alembic runs the steps: on the connection, and in the transaction, of whoever opens the store."""

from alembic import context

from tabard.adapters.stores.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,  # SQLite can; alembic thinks of a driver that would commit in between
)
with context.begin_transaction():
    context.run_migrations()
