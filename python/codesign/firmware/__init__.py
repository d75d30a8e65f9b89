"""firmware: C to an image, its size, its cost, and the machines that run it."""
