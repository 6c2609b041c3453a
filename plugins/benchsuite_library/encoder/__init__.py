"""Encoders: one-hot codes through a narrow layer."""
