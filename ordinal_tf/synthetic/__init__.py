"""Synthetic people: rendered photographs with exact 3D labels.

`people` is the only door: nothing else in here is imported from outside.
"""
