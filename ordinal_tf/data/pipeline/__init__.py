"""From sources of people to batches of training examples."""
