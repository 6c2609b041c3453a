"""Test functions of optimisation, without data."""
