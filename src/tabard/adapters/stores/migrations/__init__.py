"""The steps from each revision of the schema to the next, run by alembic.

A step is written by hand in `versions/rNNNN_what.py` and never changed once released. It states its
tables itself and imports nothing from `tables.py`, which moves on. Opening a store runs what is missing.
"""
