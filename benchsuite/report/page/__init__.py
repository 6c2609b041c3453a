"""The page of one or several runs: sections of figures, each a chart and the numbers behind it."""
