"""From meshes and light to pictures."""
