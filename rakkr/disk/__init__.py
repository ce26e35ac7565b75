"""Room on the disk: what recordings will need, what there is, and what to do when it gets short."""
