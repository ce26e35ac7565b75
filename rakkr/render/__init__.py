"""From a captured range to the file that is delivered."""
