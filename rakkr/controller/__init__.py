"""The client of the Rakkr controller."""
