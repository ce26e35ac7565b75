"""The operator's calls, over TLS, against the real controller."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rakkr.rig import Rig
from rakkr.solo.operator import OperatorRefused
from tests.integration.solo_bench import Bench, controller, reactor


async def test_retry(tmp_path: Path, need: Callable[[str, str], str]) -> None:
    """A retry is a new job of the same recording with the old command, once the old one gave up."""
    need("curl", "curl")
    solo = controller(tmp_path / "solo")
    solo.startService()
    try:
        bench = Bench(solo)
        operator = Rig(reactor, tmp_path, {}, [], solo.url).operator()
        queued = await operator.queue({"durationSeconds": 10, "device": "tone"})
        recording, job = queued["recording"]["id"], queued["job"]["id"]
        with pytest.raises(OperatorRefused, match="409"):
            await operator.retry(recording)
        path = f"/recording-jobs/{job}"
        await bench.ask(f"{path}/claim", "-X", "POST", token=bench.node_token)
        await bench.ask(f"{path}/failed", "-X", "POST", token=bench.node_token)
        again = await operator.retry(recording)
        assert again["recording"]["id"] == recording
        assert again["job"]["id"] != job
        assert again["job"]["status"] == "queued"
        found = await operator.recording(recording)
        old, new = found["jobs"]
        assert (old["status"], new["command"]) == ("failed", old["command"])
    finally:
        await solo.stopService()
