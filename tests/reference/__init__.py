"""Independent programs of the problems, in plain JAX and optax: they import nothing of benchsuite.

Each module has `successes(seeds)`, the number of seeds that succeed under the protocol of its problem, with random
numbers of its own.
"""
