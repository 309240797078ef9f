"""Proofs of identity from the company's identity provider. SAML and OIDC arrive with the federation work."""
