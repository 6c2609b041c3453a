"""What people look at, made from what is stored and without JAX."""
