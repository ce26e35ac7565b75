"""Takes the data lock and holds it: ``lock_program.py DIRECTORY``; ends when its stdin does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rakkr.data_lock import DataLock, InUse

if __name__ == "__main__":
    lock = DataLock(Path(sys.argv[1]))
    try:
        lock.acquire()
    except InUse as error:
        print(error, flush=True)  # noqa: T201
        sys.exit(2)
    child = subprocess.Popen(["sleep", "60"], close_fds=False)
    print(f"held {child.pid}", flush=True)  # noqa: T201
    sys.stdin.read()
