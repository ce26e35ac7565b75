"""Speed, measured beside a peer in one run, as a ratio; never a test with a time limit."""
