"""Which poses synthetic people take."""
