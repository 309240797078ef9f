"""The front doors, the wiring, and the pipeline between them."""
