"""IAM: one module per noun."""
