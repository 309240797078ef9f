"""What an action may ask of the world: narrow Protocols, one noun each.

A port's docstring is its contract; `tests/conformance` tests it against every adapter. Record ports are
synchronous and are used inside a transaction of `ports.store.Store`. `standing` is no port: it reads through them what
actions and adapters both need.
"""
