"""The stores: memory, SQLite, PostgreSQL. Each implements every record port."""
