"""Random input for whatever reads a user's file: refused in one line, or right."""
