"""`python -m tabard` is `tabard`."""

from tabard.apps.cli.main import main

main()
