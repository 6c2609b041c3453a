"""Recurrent networks that must remember, by the length of their sequences."""
