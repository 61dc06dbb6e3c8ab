"""Predictions as files that other programs read; `formats` is the door."""
