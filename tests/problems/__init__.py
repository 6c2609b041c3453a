"""Well-known problems, each a plugin of one file of at most 40 lines."""
