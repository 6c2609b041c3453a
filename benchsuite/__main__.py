"""`python -m benchsuite` is `benchsuite`."""

from benchsuite.cli import main

main.main()
