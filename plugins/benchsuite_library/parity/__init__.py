"""The parity of bits, of all of them or of a few among many."""
