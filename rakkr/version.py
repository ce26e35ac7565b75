"""The version that the agent reports of itself."""

VERSION = "0.1.0"
