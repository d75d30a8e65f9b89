"""learning: train, compress and export networks."""
