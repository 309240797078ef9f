"""Who and what an account holds: users, roles, groups, policies, keys. Frozen values that cannot be half right.

It does not know how they are stored, who may change them, or how they look on the wire.
"""
