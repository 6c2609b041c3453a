"""A vector or matrix is recovered from random measurements."""
