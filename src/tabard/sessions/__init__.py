"""Sessions: what a session token remembers, what a session may be, and how it is sealed. Nothing is stored."""
