"""
Power cuts while a recording runs: ``python -m tests.integration.power_cut --cuts 10``.

The controller is elsewhere and lives on; captures, journals and the state file of the agent are on
a disk that loses its power (:mod:`tests.integration.cut_disk`), together with the agent and the
capture program.  Then another agent starts on what is on the disk, in another boot.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read once, when numpy is first imported

import attrs
from twisted.internet.task import deferLater, react

from rakkr.audio.pcm import sample_format
from rakkr.audio.wave import sniff
from rakkr.jobs.archive import Archive
from rakkr.jobs.journal_file import JournalFile
from rakkr.jobs.record_form import decode_record
from rakkr.jobs.remembered import remember
from rakkr.process import Ladder, spawn
from rakkr.rig import NODE, Rig, writers
from rakkr.solo.operator import Operator
from rakkr.tone import ledger
from rakkr.tone.ledger import Run
from tests.integration.chaos.pieces import Piece, pieces_of
from tests.integration.cut_disk import CutDisk

FORMAT = sample_format("S32_LE")
CHANNELS = 2
RATE = 48_000
FRAME_BYTES = FORMAT.frame_bytes(CHANNELS)
_AGO_SECONDS = 1_000.0  # so that no frame has the number 0, the number of silence
_LOOK_SECONDS = 0.02
_SECOND_SEGMENT_SECONDS = 1.5
_PATIENCE_SECONDS = 45.0
ACCOUNTED = "agent.recording_job.capture_accounted"
# What is only listened to is owed to nobody, and would stand in the ledgers.
AGENT = ("--capture-command", "rakkr-tone", "--meter-backend", "synthetic")
# Another boot for one process and what it starts: the others see their own.
_REBOOTED = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"'


class Violated(AssertionError):
    """A promise was not kept; the message says which."""


@attrs.frozen(kw_only=True)
class Cut:
    """
    What one power cut cost; lengths are in seconds.

    :ivar after: between the first sample and the cut.
    :ivar missing: of audio before the cut that is not on the disk.
    :ivar on_disk: of audio that is.
    :ivar gap: between the last frame before the cut and the first one after it.
    :ivar gap_error: how much longer the declared gap is than it was.
    """

    after: float
    missing: float
    on_disk: float
    gap: float
    gap_error: float


@attrs.define(eq=False)
class PowerCut:
    """
    One recording with one cut.

    :ivar after: seconds from the first sample to the cut; None: before that sample, as soon as a
        journal says that the program was called.
    """

    rig: Rig
    disk: CutDisk
    after: float | None
    _epoch: float = attrs.field(init=False)

    async def run(self) -> Cut:
        """
        Record, cut, go on, and compare.

        :raises Violated: when something is lost that must not be.
        """
        self._epoch = round(time.monotonic() - _AGO_SECONDS, 3)
        await self.rig.start_controller("--solo-port", "0")
        agent = self.rig.start_agent(*AGENT)
        operator = self.rig.operator()
        name = await self._queue(operator)
        if self.after is None:
            await self._called()
        else:
            await self._captured(_LOOK_SECONDS)
            await deferLater(self.rig.reactor, self.after)
        cut = self._number_now(self._cut())
        await agent.when_ended()
        self.rig.children.remove(agent)
        await self.disk.unmount()
        self.disk.mount()
        left = self._left()
        self._check_memory()
        self._start_rebooted()
        await self._captured(_SECOND_SEGMENT_SECONDS, beside=left)
        await operator.stop(name)
        pieces = await self._delivered(operator, name)
        gaps = await self._declared(operator, name)
        return self._compare(cut, left, pieces, gaps)

    # Recording

    async def _queue(self, operator: Operator) -> str:
        wish = {
            "nodeId": NODE,
            "device": f"numbered:{self._epoch}",
            "durationSeconds": 120,  # more would not fit on the disk
            "channels": CHANNELS,
            "format": FORMAT.name,
            "sampleRate": RATE,
            "outputCodec": "wav",
        }
        queued = await operator.queue(wish)
        name: str = queued["recording"]["id"]
        return name

    def _segments(self) -> list[Path]:
        return sorted((self.disk.place / "captures").glob("*.raw.wav"))

    async def _called(self) -> None:
        """Wait until it is on the disk that a capture program is about to be called."""
        journals = self.disk.place / "jobs"
        while not any(b"segment_opened" in path.read_bytes() for path in journals.glob("*.jsonl")):
            await deferLater(self.rig.reactor, _LOOK_SECONDS)

    async def _captured(self, seconds: float, beside: Mapping[Path, Run] | None = None) -> None:
        """Wait for a new capture with so much audio."""
        size = seconds * RATE * FRAME_BYTES
        give_up = self.rig.reactor.seconds() + _PATIENCE_SECONDS
        while not any(
            path.stat().st_size > size for path in self._segments() if path not in (beside or {})
        ):
            if self.rig.reactor.seconds() > give_up:
                raise Violated(f"nothing is captured: see {self.rig.log_of('agent')}")
            await deferLater(self.rig.reactor, _LOOK_SECONDS)

    def _number_now(self, mono: float) -> int:
        return round((mono - self._epoch) * RATE)

    # The cut

    def _cut(self) -> float:
        """
        Cut the power, and end everything that had it.

        All of them stand still first, so that none of them sees the disk fail and tells the
        controller of it.
        """
        everybody = self._powered()
        for pid in everybody:
            os.kill(pid, signal.SIGSTOP)
        now = time.monotonic()
        self.disk.cut()
        for pid in everybody:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return now

    def _powered(self) -> list[int]:
        """The agent, its shims, and the programs that write."""
        found = {each.pid for each in writers(self.disk.place)}
        mark = str(self.disk.place).encode()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                named = mark in (process / "cmdline").read_bytes()
                if named and int(process.name) != os.getpid():
                    found.add(int(process.name))
        return sorted(found)

    def _start_rebooted(self) -> None:
        """Start an agent that finds another boot of the machine."""
        boot = self.rig.directory / "boot_id"
        boot.write_text(f"{uuid.uuid4()}\n")
        twistd = str(Path(sys.executable).with_name("twistd"))
        argv = [
            *("unshare", "--mount", "sh", "-c", _REBOOTED, str(boot)),
            *(twistd, "-n", "--pidfile=", "rakkr-recorder", "--node-id", NODE),
            *self.rig.agent_flags(),
            *AGENT,
        ]
        log = os.open(self.rig.log_of("agent"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        nothing = os.open(os.devnull, os.O_RDONLY)
        world = self.rig.reactor
        try:
            child = spawn(
                world,
                world,
                argv,
                env=self.rig.environ,
                ladder=Ladder(first="INT", grace=45.0, give_up=5.0),
                child_fds={0: nothing, 1: log, 2: log},
            )
        finally:
            os.close(log)
            os.close(nothing)
        self.rig.children.append(child)

    # What there is

    def _left(self) -> dict[Path, Run]:
        """The frames of each capture that is on the disk."""
        left = {}
        for path in self._segments():
            size = path.stat().st_size
            if size <= 128:
                left[path] = Run(0, 0)
                continue
            audio = sniff(path, FORMAT, RATE, CHANNELS)
            with path.open("rb") as file:
                file.seek(audio.data_offset)
                pieces = pieces_of(file.read(), FORMAT, CHANNELS, 0)
            if len(pieces) != 1 or pieces[0].first is None:
                raise Violated(f"{path.name} is not one run of frames: {pieces}")
            left[path] = pieces[0].run
        return left

    def _check_memory(self) -> None:
        """Every copy of every journal can be read by itself, and so can the state file."""
        own = self.disk.place
        state = own / "job-state.json"
        found, troubles = Archive.of(state, own / "captures").read()
        if troubles or len(found) != 1:
            raise Violated(f"the journals: {len(found)} found, {troubles}")
        for path in found[0].file.paths:
            remember(map(decode_record, JournalFile.load([path]).records))
        json.loads(state.read_bytes())

    async def _delivered(self, operator: Operator, name: str) -> tuple[Piece, ...]:
        await operator.wait_for(name, "cached")
        path = self.rig.directory / "delivered.wav"
        await operator.download(name, path)
        audio = sniff(path, FORMAT, RATE, CHANNELS)
        with path.open("rb") as file:
            file.seek(audio.data_offset)
            return pieces_of(file.read(audio.frames * FRAME_BYTES), FORMAT, CHANNELS, 0)

    async def _declared(self, operator: Operator, name: str) -> list[tuple[int, int]]:
        """The declared gaps, as positions and lengths in the delivered file."""
        while True:
            for event in await operator.health_events():
                if event["type"] == ACCOUNTED and event["details"]["recordingId"] == name:
                    gaps = event["details"]["gaps"]
                    return [(gap["startFrame"], gap["frames"]) for gap in gaps]
            await deferLater(self.rig.reactor, 0.1)

    def _wrote(self) -> list[Run]:
        """What the capture programs themselves noted, on a disk that had power."""
        found: list[Run] = []
        for path in Path(self.rig.environ["RAKKR_TONE_LEDGER"]).iterdir():
            kept = ledger.read(path.read_bytes())
            found += [] if kept is None else kept.runs
        return sorted(found)

    def _compare(
        self,
        cut: int,
        left: Mapping[Path, Run],
        pieces: tuple[Piece, ...],
        gaps: list[tuple[int, int]],
    ) -> Cut:
        began = min(cut, self._wrote()[0].first)  # nothing may have been written before the cut
        runs = [run for run in left.values() if run.frames]
        sound = [piece for piece in pieces if piece.first is not None]
        if [piece.run for piece in sound[:-1]] != runs:
            raise Violated(f"on the disk were {runs}, delivered was {pieces}")
        silent = [(piece.at, piece.frames) for piece in pieces if piece.first is None]
        if silent != gaps or len(gaps) != 1:
            raise Violated(f"declared are {gaps}, silent is {silent}")
        reached = runs[-1].end if runs else began
        gap = sound[-1].run.first - reached
        return Cut(
            after=(cut - began) / RATE,
            missing=(cut - reached) / RATE,
            on_disk=sum(run.frames for run in runs) / RATE,
            gap=gap / RATE,
            gap_error=(gaps[0][1] - gap) / RATE,
        )


async def cut_once(
    reactor: Any, directory: Path, environ: Mapping[str, str], after: float | None
) -> Cut:
    """
    Do one recording with one cut in a directory.

    :param after: seconds from the first sample to the cut; None for one before it.
    :raises NoDisk: where there can be no such disk.
    :raises Violated: when a promise was not kept.
    """
    ledgers = directory / "ledgers"
    ledgers.mkdir(parents=True)
    path = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    rig = Rig(reactor, directory, {**environ, "PATH": path, "RAKKR_TONE_LEDGER": str(ledgers)})
    disk = CutDisk(reactor, directory / "disk.img", directory / "agent")
    disk.make()
    try:
        async with rig:
            cut = await PowerCut(rig, disk, after).run()
    finally:
        await disk.unmount()
    trouble = disk.check()
    if trouble:
        raise Violated(f"the file system is not whole: {trouble}")
    disk.remove()
    return cut


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


async def _main(reactor: Any, asked: argparse.Namespace) -> None:
    reactor.seconds = time.monotonic
    seed = random.randrange(10_000) if asked.seed is None else asked.seed
    moments = random.Random(seed)
    cuts = []
    _say(f"seed {seed}; seconds\n   after  on disk  missing      gap  gap error")
    for _ in range(asked.cuts):
        directory = Path(tempfile.mkdtemp(prefix="power-cut-"))
        cut = await cut_once(reactor, directory, os.environ, moments.uniform(0.0, asked.latest))
        shutil.rmtree(directory)
        cuts.append(cut)
        facts = (cut.after, cut.on_disk, cut.missing, cut.gap, cut.gap_error)
        _say(" ".join(f"{fact:8.3f}" for fact in facts))
    missing = [cut.missing for cut in cuts]
    _say(
        json.dumps(
            {
                "cuts": len(cuts),
                "missing_mean": round(statistics.mean(missing), 3),
                "missing_most": round(max(missing), 3),
                "gap_error_most": round(max(abs(cut.gap_error) for cut in cuts), 3),
            }
        )
    )


def main() -> None:
    """Cut again and again, and print what it cost."""
    parser = argparse.ArgumentParser(prog="python -m tests.integration.power_cut")
    parser.add_argument("--cuts", type=int, default=10)
    parser.add_argument("--latest", type=float, default=6.0, help="seconds of audio before a cut")
    parser.add_argument("--seed", type=int)
    react(_main, (parser.parse_args(),))


if __name__ == "__main__":
    main()
