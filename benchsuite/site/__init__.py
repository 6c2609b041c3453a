"""A static site to which every night adds a run: what it holds, how it is added to, and how it is shown."""
