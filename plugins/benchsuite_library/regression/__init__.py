"""Smooth functions of one or two variables, by small networks."""
