"""A controller that goes away and comes back: what failed is told once, and once that it works."""

from __future__ import annotations

import json
import socket
from collections import Counter
from pathlib import Path

import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater

from tests.integration.test_recording import event_types, make_rig

pytestmark = pytest.mark.deadline(60)
# What a daemon that does nothing but measure asks of its controller, and how often.
WORKS = {
    "agent.node_heartbeat.sync_failed": "agent.node_heartbeat.sync_recovered",
    "agent.node_config.sync_failed": "agent.node_config.sync_recovered",
    "agent.meter_frame.sync_failed": "agent.meter_frame.sync_recovered",
    "agent.recording_job.claim_next_failed": "agent.recording_job.claim_next_recovered",
}
QUICK = (
    "--heartbeat-seconds=1",
    "--meter-post-seconds=1",
    "--meter-backend=synthetic",
    "--no-system-health-enabled",
)


async def test_an_outage(tmp_path: Path) -> None:
    """However long it is, each kind of call is one failure and one recovery, and all arrive."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    async with make_rig(tmp_path) as rig:
        controller = await rig.start_controller("--solo-port", port)
        rig.start_agent(*QUICK)
        operator = rig.operator()
        while "agent.started" not in await event_types(operator):
            await deferLater(reactor, 0.05)
        controller.stop("INT")
        await controller.when_ended()
        log = tmp_path / "agent" / "health-events.jsonl"
        while any(failed not in log.read_text() for failed in WORKS):
            await deferLater(reactor, 0.05)
        problems = tmp_path / "agent" / "open-problems.json"
        assert "agent.node_heartbeat.sync_failed" in problems.read_text()
        said = rig.log_of("agent")
        while (
            min(said.read_text().count(each) for each in ("] heartbeat: ", "claiming failed")) < 3
        ):
            await deferLater(reactor, 0.05)
        await rig.start_controller("--solo-port", port)
        operator = rig.operator()
        while not set(WORKS.values()) <= set(await event_types(operator)):
            await deferLater(reactor, 0.05)
        while json.loads(problems.read_text())["open"]:
            await deferLater(reactor, 0.05)
        counts = Counter(await event_types(operator))
        lines = [json.loads(line) for line in log.read_text().splitlines()]
    for failed, recovered in WORKS.items():
        assert (counts[failed], counts[recovered]) == (1, 1), counts
    told = {line["type"]: line for line in lines}
    for what in ("node_heartbeat.sync", "recording_job.claim_next"):
        assert told[f"agent.{what}_recovered"]["details"]["failureCount"] >= 3, told
    error = told["agent.node_heartbeat.sync_failed"]["details"]["error"]
    assert error.startswith("post node heartbeat to controller: "), error
