"""What synthetic people wear and look like."""
