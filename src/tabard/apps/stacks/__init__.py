"""Stacks: templates carried out through the IAM action handlers, in one transaction."""
