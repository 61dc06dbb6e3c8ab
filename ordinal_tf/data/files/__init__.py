"""Pictures, videos and containers of arrays, read with care."""
