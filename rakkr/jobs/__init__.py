"""From a claimed job to an accepted upload."""
