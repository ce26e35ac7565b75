"""
Writers that are killed while they rotate: ``rotating_program.py DIRECTORY ROUNDS STORE``.

Each is a fork of this process, begins with another number, and is killed after some records, at any
moment.  What the log said that it has is printed in the end, a number a line.
"""

from __future__ import annotations

import json
import os
import random
import signal
import struct
import sys
import time
from pathlib import Path

from rakkr.health.jsonl import JsonLines
from rakkr.health.sqlite import SqliteLog
from rakkr.health.store import Store

EACH = 1_000_000


def make_store(directory: Path, kind: str) -> Store:
    """The log; it rotates every few records."""
    if kind == "sqlite":
        return SqliteLog(directory / "log", "node", 0, 0, 1 << 30, True)
    return JsonLines(directory / "log", 300, 2, 1 << 30, True)


def write(store: Store, first: int, told: int) -> None:
    """Write, and read and save now and then, until somebody ends it."""
    position = store.begin()
    for number in range(first, first + EACH):
        wire = {"id": f"id{number}", "type": f"t{number}", "severity": "info", "openedAt": "t"}
        line = json.dumps({**wire, "details": {}}).encode() + b"\n"
        if store.append([line]).stored:
            os.write(told, struct.pack("<Q", number))
        if number % 7 == 0:
            records = store.read(position, 3)
            position = records[-1].behind if records else position
        if number % 21 == 0:
            store.passed(position)


def main() -> None:
    """Kill one after another."""
    directory, rounds, kind = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    chance = random.Random(7)
    for turn in range(rounds):
        reads, told = os.pipe()
        child = os.fork()
        if child == 0:
            write(make_store(directory, kind), turn * EACH, told)
        os.close(told)
        with os.fdopen(reads, "rb") as pipe:
            known = pipe.read(8 * chance.randint(1, 24))
            time.sleep(chance.uniform(0.0, 0.002))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            known += pipe.read()
        for (number,) in struct.iter_unpack("<Q", known):
            sys.stdout.write(f"{number}\n")


if __name__ == "__main__":
    main()
