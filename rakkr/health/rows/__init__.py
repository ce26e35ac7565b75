"""The rows of the event catalogue, by area: data, and nothing else."""
