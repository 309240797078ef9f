"""Proofs of identity from the company's identity provider."""
