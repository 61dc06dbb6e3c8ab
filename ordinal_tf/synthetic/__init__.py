"""Synthetic people: rendered photographs with exact 3D labels."""
