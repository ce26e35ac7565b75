"""Seeded runs of a controller, an agent and a numbered card to which things happen."""
