"""Numbers only: sample formats, WAV containers, levels.  Imports no Twisted."""
