"""SAML 2.0: what identity providers say about themselves, and about people."""
