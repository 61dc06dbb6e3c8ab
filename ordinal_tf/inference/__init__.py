"""From photographs to people: the exported graph, and its use."""
