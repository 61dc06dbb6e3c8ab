"""The body of the synthetic people, and how it takes a pose."""
