"""The recorder agent: see ``rakkr.tap`` for how its parts fit together."""
