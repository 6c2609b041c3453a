"""Units made for arithmetic, which shall find the exact operation and extrapolate."""
