"""The built-in controller for a single machine."""
