"""Deep linear networks, whose function is linear and whose loss is not convex."""
