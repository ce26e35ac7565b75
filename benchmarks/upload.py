"""
One GiB over TLS 1.3: ``ControllerClient.upload_cache_file`` against ``curl -T``.

Both send the same file of random bytes out of the page cache to the same nginx, which reads it all
and throws it away, in turn.  Ours checks the receipt, and hashes the file on the way unless it is
told the checksum; curl only sends.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import IO, Any

from benchmarks.nginx import Sink, sink

SIZE = 1 << 30
ROUNDS = 7
_PIECE = 1 << 24


def run() -> dict[str, Any]:
    """
    Run the comparison.

    :returns: ``throughput_ratio`` (ours / curl, of the medians), ``throughput_ratio_checksum_told``
        (likewise, with the checksum known before), ``rss_growth_mib`` (the uploading process'
        highest resident size less its idle one), and the single figures in MB/s.
    """
    load = os.getloadavg()[0]  # what else keeps this machine busy
    ours: list[float] = []
    told: list[float] = []
    curls: list[float] = []
    with tempfile.TemporaryDirectory(prefix="rakkr-bench-") as made, sink() as to:
        path = Path(made) / "upload.wav"
        checksum = _random_file(path)
        child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.uploader", to.url, to.ca, path, checksum],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            json.loads(child.stdout.readline())
            _ours(child.stdin, child.stdout, "hash")  # one of each to warm up
            _curl(to, path)
            for _ in range(ROUNDS):
                ours.append(SIZE / 1e6 / _ours(child.stdin, child.stdout, "hash"))
                told.append(SIZE / 1e6 / _ours(child.stdin, child.stdout, "told"))
                curls.append(SIZE / 1e6 / _curl(to, path))
            child.stdin.close()
            memory = json.loads(child.stdout.readline())
        finally:
            child.stdin.close()
            child.wait(30)
    return {
        "throughput_ratio": round(median(ours) / median(curls), 3),
        "rss_growth_mib": round(memory["rss_peak_mib"] - memory["rss_idle_mib"], 2),
        "rss_idle_mib": memory["rss_idle_mib"],
        "throughput_ratio_checksum_told": round(median(told) / median(curls), 3),
        "ours_checksum_told_mb_per_s": [round(each) for each in told],
        "ours_mb_per_s": [round(each) for each in ours],
        "curl_mb_per_s": [round(each) for each in curls],
        "bytes": SIZE,
        "rounds": ROUNDS,
        "load_before": round(load, 2),
        "server": to.name,
        "receipt": "size counted by the server; checksum echoed from the URL: Lua has no SHA-256",
    }


def _random_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(SIZE // _PIECE):
            piece = os.urandom(_PIECE)
            digest.update(piece)
            file.write(piece)
        os.fsync(file.fileno())  # no writing to the disk while we measure
    return digest.hexdigest()


def _ours(stdin: IO[str], stdout: IO[str], how: str) -> float:
    stdin.write(f"{how}\n")
    stdin.flush()
    seconds: float = json.loads(stdout.readline())["seconds"]
    return seconds


def _curl(to: Sink, path: Path) -> float:
    url = f"{to.url}/api/v1/recordings/rec_curl/cache-file"
    argv = ["curl", "--silent", "--show-error", "--fail", "--tlsv1.3", "--http1.1"]
    argv += ["--cacert", str(to.ca), "--header", "Expect:", "--output", os.devnull]
    before = time.monotonic()
    subprocess.run([*argv, "--upload-file", str(path), url], check=True)
    return time.monotonic() - before
