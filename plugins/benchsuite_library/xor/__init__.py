"""The exclusive or of two bits: the smallest problem that one layer cannot solve."""
