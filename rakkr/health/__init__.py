"""Evidence: what happened on this node."""
