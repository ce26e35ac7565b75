"""``python -m benchmarks NAME [--json]``: run one, or ``--all``; ``--list`` names them."""

from __future__ import annotations

import argparse
import importlib
import json
import sys

NAMES = {
    "claim": "from a queued job to its first captured sample, 20 jobs at default settings",
    "loudness": "loudness and true peak for each channel, against ffmpeg ebur128 on stereo",
    "memory": "resident memory over an hour of (accelerated) metering of 32 channels",
    "meters": "a second of 32 and 64 channels: levels, quality, correlation, against C and ffmpeg",
    "outbox": "health events: what one costs, and the memory while 100,000 are delivered",
    "posts": "small JSON posts through the pooled client, against the same client unpooled",
    "reactor_delay": "lateness of a 10 ms timer while 64 channels are metered, against idle",
    "record32": "the whole agent recording 32 channels with meters and live listening",
    "speech": "voice activity for each channel, against the runtime of the library",
    "sweep": "planning a sweep of 100,000 recordings: time and memory, against 10,000",
    "upload": "a 1 GiB file over TLS 1.3, against curl -T to the same server",
    "voices": "how often voice activity libraries are right; needs espeak-ng and sox",
}


def main() -> int:
    """Run what was asked for; the last line of each is one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="?", choices=sorted(NAMES))
    parser.add_argument("--list", action="store_true", help="name the benchmarks")
    parser.add_argument("--all", action="store_true", help="run all of them")
    parser.add_argument("--json", action="store_true", help="print nothing but the result")
    asked = parser.parse_args()
    if asked.list:
        for name, what in NAMES.items():
            print(f"{name:10}{what}")
        return 0
    if not asked.name and not asked.all:
        parser.error("name a benchmark, or say --all or --list")
    for name in sorted(NAMES) if asked.all else [asked.name]:
        if not asked.json:
            print(f"{name}: {NAMES[name]}", file=sys.stderr)
        result = importlib.import_module(f"benchmarks.{name}").run()
        print(json.dumps({"benchmark": name, **result}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
