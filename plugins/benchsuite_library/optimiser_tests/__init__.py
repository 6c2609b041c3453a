"""Convergence tests of optimisers' own repositories, with many seeds in place of one."""
