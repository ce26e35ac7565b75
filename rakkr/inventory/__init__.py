"""What audio inputs this machine has, and what machine it is."""
