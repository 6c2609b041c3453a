"""`python -m benchsuite` is `benchsuite`."""

from benchsuite.cli.main import main

main()
