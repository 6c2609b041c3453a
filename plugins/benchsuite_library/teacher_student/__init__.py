"""A student network learns a teacher network of the same size."""
