"""How the machine itself is: its disks, its load, its sound cards."""
