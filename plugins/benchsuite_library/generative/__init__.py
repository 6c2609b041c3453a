"""Generative adversarial networks, and the modes that they lose."""
