"""The action handlers: one module per STS action, one per IAM noun.

A handler gathers what it needs, lets the ground floor judge, and acts. It knows no wire format, no
signature and no audit: the pipeline owns the steps that nobody may forget.
"""
