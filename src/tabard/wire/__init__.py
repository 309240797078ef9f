"""Bytes to typed calls and back; faults to codes. Driven by shape data made from botocore (`make models`)."""
