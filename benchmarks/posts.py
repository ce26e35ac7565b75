"""Small JSON posts over TLS: the client as it is, against the same client without its pool."""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median
from typing import Any

from benchmarks.nginx import sink

ROUNDS = 5
SECONDS = 3.0


def run() -> dict[str, Any]:
    """
    Run the comparison, in turn, one post after another.

    :returns: ``pooled_ratio`` (posts per second pooled / unpooled, of the medians), and the single
        figures.
    """
    with sink() as to:
        argv = [sys.executable, "-m", "benchmarks.poster", to.url, str(to.ca)]
        ran = subprocess.run(
            [*argv, str(ROUNDS), str(SECONDS)], stdout=subprocess.PIPE, check=True, text=True
        )
        rates: dict[str, list[float]] = json.loads(ran.stdout)
    return {
        "pooled_ratio": round(median(rates["pooled"]) / median(rates["unpooled"]), 2),
        "pooled_per_s": [round(each) for each in rates["pooled"]],
        "unpooled_per_s": [round(each) for each in rates["unpooled"]],
        "rounds": ROUNDS,
        "server": to.name,
    }
