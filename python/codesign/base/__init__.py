"""base: what every room rests on: errors, files, audio, recordings."""
