"""STS: one module per action, named as AWS names it."""
