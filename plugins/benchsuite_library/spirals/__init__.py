"""Two spirals, which a plane can only separate after many turns."""
