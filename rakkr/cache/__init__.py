"""What is kept on the node's disk, and when it may go."""
