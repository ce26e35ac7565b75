"""``python -m rakkr.tone`` is ``rakkr-tone``."""

from rakkr.tone.program import main

main()
