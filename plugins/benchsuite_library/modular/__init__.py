"""Sums modulo a number, from integers to classes."""
