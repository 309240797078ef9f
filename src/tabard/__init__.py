"""Tabard: a Security Token Service that speaks AWS's STS and IAM on the wire."""

__version__ = "0.1.0"
