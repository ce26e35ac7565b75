"""A controller in a process of its own, so that it can be killed: ``solo_program.py DIRECTORY``."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.integration.solo_bench import controller, reactor

if __name__ == "__main__":
    service = controller(Path(sys.argv[1]))
    service.startService()
    print(service.port, flush=True)  # noqa: T201
    reactor.run()
