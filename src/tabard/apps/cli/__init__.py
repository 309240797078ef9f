"""The `tabard` command."""
