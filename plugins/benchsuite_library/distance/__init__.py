"""A little network that learns the Euclidean distance, as well as a pyramid is a cone."""
