"""What the levels of the node are, who is told, and when they are a reason to alarm somebody."""
