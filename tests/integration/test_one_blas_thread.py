"""Matrix products use one thread: more of them would make the meters slower, and busier."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

THREADS = """
import re
from rakkr.audio.gauge import Gauge
import numpy as np
gauge = Gauge(48_000, 64)
gauge.measure(np.ones((48_000, 64), np.float32))
print(re.search(r"Threads:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""
ENTRANCES = {
    "the command": "import rakkr.cli",
    "the root": "import rakkr.tap",
    "twistd": """
from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins
(maker,) = (each for each in getPlugins(IServiceMaker) if each.tapname == "rakkr-recorder")
maker.options
""",
    "the tone": "import rakkr.tone.program",
    "the benchmark": "import benchmarks.meters",
}


def threads(code: str, **environment: str) -> int:
    """Count the threads of a new Python that ran some code and then the meters."""
    kept = {key: value for key, value in os.environ.items() if "_NUM_THREADS" not in key}
    result = subprocess.run(
        [sys.executable, "-c", code + THREADS],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return int(result.stdout)


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_one_thread(entrance: str) -> None:
    """Whichever way the program begins, numpy is not there yet when the number is set."""
    assert threads(ENTRANCES[entrance]) == 1


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core has one thread anyway")
def test_more_when_asked_for() -> None:
    """What the environment says stands; this also shows that the others would see more."""
    assert threads(ENTRANCES["the root"], OPENBLAS_NUM_THREADS="2") == 2
