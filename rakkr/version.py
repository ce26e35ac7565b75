"""The version that the agent reports of itself."""

VERSION = "0.1.0"
RELEASED = 1_793_491_200.0
"""No clock that is right says less: 2026-11-01, in seconds since the epoch."""
