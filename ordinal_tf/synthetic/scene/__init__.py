"""Where synthetic people are, and the cameras that see them."""
