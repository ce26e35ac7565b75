"""The uploading process of the upload benchmark: one upload for each line on stdin."""

from __future__ import annotations

import functools
import json
import sys
import time
from pathlib import Path
from typing import Any

import attrs
from twisted.internet import task
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

from rakkr.clock import WallTime
from rakkr.controller.address import ControllerAddress
from rakkr.controller.client import make_client
from rakkr.controller.token import TextToken
from rakkr.controller.transport import Timeouts
from rakkr.controller.trust import Trust
from rakkr.controller.upload import Upload
from rakkr.threads import InThread


def _rss_mib(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no {field}")


def _say(**what: float) -> None:
    print(json.dumps(what), flush=True)


async def _uploads(reactor: Any, url: str, ca: str, path: str, checksum: str) -> None:
    in_thread: InThread = functools.partial(deferToThreadPool, reactor, reactor.getThreadPool())
    client = make_client(
        reactor,
        WallTime(time.time),
        ControllerAddress.parse(url),
        TextToken("benchmark"),
        Trust(Path(ca)),
        node_id="node_benchmark",
        timeouts=Timeouts(),
        in_thread=in_thread,
    )
    # Idle is: connected once, every module and root certificate in place.
    await client.heartbeat({"agentVersion": "0", "hostname": "benchmark"})
    idle = _rss_mib("VmRSS")
    _say(rss_idle_mib=idle)
    hashing = Upload(path=Path(path), content_type="audio/wav", file_name="upload.wav")
    told = attrs.evolve(hashing, checksum=f"sha256:{checksum}")
    while how := await in_thread(sys.stdin.readline):
        upload = told if how.strip() == "told" else hashing
        before = time.monotonic()
        await client.upload_cache_file(f"sha256_{checksum}", upload)
        _say(seconds=time.monotonic() - before)
    await client.close()
    _say(rss_idle_mib=round(idle, 2), rss_peak_mib=round(_rss_mib("VmHWM"), 2))


if __name__ == "__main__":
    task.react(lambda reactor: Deferred.fromCoroutine(_uploads(reactor, *sys.argv[1:])))
