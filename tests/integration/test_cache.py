"""The recorder's cache: kept by a policy, swept by it, and never without a receipt."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater

from rakkr.jobs.journal_line import encode_line, read_lines
from rakkr.rig import NODE, Rig
from rakkr.solo.operator import Operator
from rakkr.stamps import format_stamp, parse_stamp
from tests.integration.chaos.world import faketime
from tests.integration.test_modes import controlled
from tests.integration.test_recording import fetched, make_rig, queue, told, wish

pytestmark = pytest.mark.deadline(60)
WEEK = {
    "policyId": "week",
    "deleteAfterUpload": False,
    "maxAgeDays": 7,
    "maxBytes": None,
    "minFreeDiskPercent": None,
}
DAY = 86_400.0


class Node:
    """An agent with a cache, and the files that it has."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.manifest = rig.directory / "agent" / "manifest.json"
        self.captures = rig.directory / "agent" / "captures"

    @property
    def flags(self) -> Sequence[str]:
        """What every program of this node is called with."""
        return ("--recorder-cache-manifest-file", str(self.manifest))

    def start(self, *flags: str) -> None:
        """Start the agent, with the tone as its source."""
        self.rig.start_agent("--capture-command", "rakkr-tone", *self.flags, *flags)

    async def stop(self) -> None:
        """End the agent."""
        agent = self.rig.children[-1]
        agent.stop()
        await agent.when_ended()

    def entries(self) -> list[dict[str, Any]]:
        """The list."""
        found: list[dict[str, Any]] = json.loads(self.manifest.read_bytes())["entries"]
        return found

    def audio(self) -> set[str]:
        """The files with audio."""
        return {each.name for each in self.captures.iterdir() if each.suffix in {".wav", ".flac"}}

    def age(self, days: float) -> None:
        """Let what was delivered have been delivered so much earlier, as far as anybody knows."""
        for place in (self.captures / ".journal", self.rig.directory / "agent" / "jobs"):
            for journal in place.glob("*.jsonl"):
                _rewrite(journal, days * DAY)

    def log(self) -> str:
        """The agent's own events."""
        path = self.rig.directory / "agent" / "health-events.jsonl"
        return path.read_text() if path.exists() else ""

    async def sweep(self, *flags: str) -> dict[str, Any]:
        """Call the one-shot mode."""
        ran = await controlled(self.rig, *self.flags, "--sweep", *flags)
        assert ran.exit.code == 0, ran
        document: dict[str, Any] = json.loads(ran.stdout)
        return document

    async def until(self, condition: Any) -> None:
        """Wait until something is so."""
        while not condition():
            await deferLater(reactor, 0.05)


def _rewrite(journal: Path, seconds: float) -> None:
    lines = b""
    for number, record in enumerate(read_lines(journal.read_bytes()).records, start=1):
        plain = json.loads(record)
        if plain["kind"] in {"uploaded", "done", "claimed"}:
            plain["wall"] -= seconds
        lines += encode_line(number, json.dumps(plain, separators=(",", ":")).encode())
    journal.write_bytes(lines)


async def begin(rig: Rig, *policies: dict[str, Any]) -> tuple[Node, Operator]:
    """A controller with these policies."""
    await rig.start_controller("--solo-port", "0")
    operator = rig.operator()
    await operator.configure(NODE, {"recorderCachePolicies": list(policies)})
    return Node(rig), operator


async def test_kept_and_swept(tmp_path: Path) -> None:
    """A recording is listed with its receipt, kept for its days, then swept; a dry run says so."""
    async with make_rig(tmp_path) as rig:
        node, operator = await begin(rig, WEEK)
        node.start()
        name = await queue(operator, wish(1, outputCodec="flac", recorderCacheRetention=WEEK))
        await fetched(rig, operator, name)
        await told(operator, "agent.recording_job.recorder_cache_tracked")
        (entry,) = node.entries()
        found = await operator.recording(name)
        file = found["recording"]["files"]["primary"]
        assert (entry["recordingId"], entry["policyId"]) == (name, "week")
        assert entry["receipt"] == {"checksum": file["checksum"], "parts": 1, "size": file["size"]}
        assert Path(entry["outputPath"]).stat().st_size == file["size"]
        assert {Path(each["path"]).name for each in entry["files"]} == node.audio()
        # Beside the running agent, and nothing is changed by it.
        before = node.manifest.read_bytes()
        thought = await node.sweep("--dry-run")
        assert (thought["goes"], thought["dryRun"], thought["clockTrouble"]) == ([], True, None)
        (stays,) = thought["stays"]
        until = format_stamp(parse_stamp(entry["uploadedAt"]) + 7 * DAY)
        assert stays["why"] == f"policy week keeps it until {until}"
        assert thought["policiesOf"] == "controller"
        await node.stop()
        node.age(7)
        thought = await node.sweep("--dry-run")
        (goes,) = thought["goes"]
        assert (goes["recordingId"], goes["reason"]) == (name, "max_age")
        assert node.manifest.read_bytes() == before
        assert len(node.audio()) == 2
        node.start()
        await told(operator, "agent.recorder_cache.sweep_completed")
        assert node.audio() == set()
        assert not list(node.captures.glob("*.report.json"))
        await node.until(lambda: node.entries() == [])


async def test_salvage_never_goes(tmp_path: Path) -> None:
    """What nobody took stays at any age, and so does the capture that a delivered one shares."""
    async with make_rig(tmp_path) as rig:
        node, operator = await begin(rig, WEEK)
        node.start("--channel-render-command", str(tmp_path / "no-ffmpeg"))
        members = [
            {"recorderCacheRetention": WEEK, "outputCodec": codec} for codec in ("wav", "flac")
        ]
        queued = await operator.queue({**wish(1), "members": members})
        one, two = (member["recording"]["id"] for member in queued["members"])
        await fetched(rig, operator, one)
        await operator.wait_for(two, "failed")
        await told(operator, "agent.recording_job.recorder_cache_tracked")
        await node.stop()
        node.age(400)
        document = await node.sweep()
        assert document["goes"] == []
        why = {each["recordingId"]: each["why"] for each in document["stays"]}
        assert why[one] == "a recording that is not delivered needs these files"
        assert why[two].startswith("it waits for a retry")
        (capture,) = node.audio()
        assert capture.endswith(".raw.wav")
        # An agent that can render delivers it under a retry; then both may go.
        node.start()
        await operator.retry(two)
        await fetched(rig, operator, two)
        await node.until(lambda: len(node.entries()) == 2)
        await node.stop()
        node.age(400)
        document = await node.sweep()
        assert document["stays"] == []
        assert node.audio() == set()


async def test_a_damaged_list(tmp_path: Path) -> None:
    """A damaged list is set aside and made anew from the journals, with one event."""
    async with make_rig(tmp_path) as rig:
        node, operator = await begin(rig, WEEK)
        node.start()
        name = await queue(operator, wish(1, recorderCacheRetention=WEEK))
        await fetched(rig, operator, name)
        await told(operator, "agent.recording_job.recorder_cache_tracked")
        await node.stop()
        before = node.entries()
        node.manifest.write_bytes(node.manifest.read_bytes()[:100])
        node.start()
        await told(operator, "agent.recorder_cache.manifest_damaged")
        assert node.entries() == before
        (aside,) = node.manifest.parent.glob("manifest.json.damaged-*")
        assert aside.stat().st_size == 100
        types = [each["type"] for each in await operator.health_events()]
        assert types.count("agent.recording_job.recorder_cache_tracked") == 1


async def test_a_wrong_clock(tmp_path: Path) -> None:
    """An agent whose clock is two days ahead of the controller's sweeps nothing, and says why."""
    library = faketime()
    if library is None:
        pytest.skip("libfaketime is not installed: apt-get install libfaketime")
    async with make_rig(tmp_path) as rig:
        node, operator = await begin(rig, WEEK)
        node.start()
        name = await queue(operator, wish(1, recorderCacheRetention=WEEK))
        await fetched(rig, operator, name)
        await told(operator, "agent.recording_job.recorder_cache_tracked")
        await node.stop()
        wrong = {
            "LD_PRELOAD": str(library),
            "FAKETIME": "+2d",
            "DONT_FAKE_MONOTONIC": "1",
        }
        rig.environ = {**rig.environ, **wrong}
        document = await node.sweep()
        assert "differs from the controller" in document["clockTrouble"]
        assert document["goes"] == []
        node.start()
        await node.until(lambda: "sweep_suspended" in node.log())
        assert len(node.audio()) == 2


async def test_what_the_mode_refuses(tmp_path: Path) -> None:
    """A dry run without a sweep is one sentence, and so is a sweep beside a running agent."""
    async with make_rig(tmp_path) as rig:
        node, operator = await begin(rig)
        ran = await controlled(rig, "--dry-run")
        assert (ran.exit.code, ran.stdout) == (2, b"")
        assert b"--dry-run goes with --sweep" in ran.stderr
        node.start()
        await told(operator, "agent.started")
        ran = await controlled(rig, *node.flags, "--sweep")
        assert (ran.exit.code, ran.stdout) == (2, b"")
        assert b"another agent" in ran.stderr
