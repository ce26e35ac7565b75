"""rakkr-tone: a capture program that needs no sound card."""
