"""A device that goes and comes back, is busy, hangs, or floods: real ``arecord``, whole agents."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import pytest

from rakkr.audio.pcm import sample_format
from rakkr.audio.wave import sniff
from rakkr.process_identity import identify
from rakkr.rig import NODE, Rig, writers
from rakkr.solo.operator import Operator
from tests.integration import alsa_device
from tests.integration.alsa_device import AlsaDevice
from tests.integration.capture_world import after
from tests.integration.chaos.pieces import Piece, pieces_of
from tests.integration.test_modes import controlled
from tests.integration.test_recording import fetched, grown, make_rig, queue, told

pytestmark = pytest.mark.deadline(90)
Need = Callable[[str, str], str]
FORMAT = sample_format("S32_LE")
CHANNELS = 2
RATE = 48_000
BYTES_PER_SECOND = RATE * FORMAT.frame_bytes(CHANNELS)
TOLERANCE = round(0.3 * RATE)
# arecord reads an eighth of a second at a time, and has half a second before it.
MOST_UNREAD = round(0.7 * RATE)
# The lease is renewed, and so a stop is heard of, every 8 to 10 s.
MOST_DEAF_SECONDS = 13
# It is cut about every second, later on a machine that is busy with other things.
MOST_MESSAGES = 64 << 20
PREFIX = "agent.recording_job."


@pytest.fixture
def device(tmp_path: Path, need: Need) -> Iterator[AlsaDevice]:
    """A device whose frames are numbered by the clock; no number is 0, which is silence."""
    for program, package in alsa_device.NEEDS:
        need(program, package)
    with AlsaDevice(tmp_path, epoch=int(time.monotonic()) - 100) as found:
        yield found


@attrs.frozen
class Recorded:
    """
    A recording that was delivered.

    :ivar pieces: what is in the file.
    :ivar captured: what is in each captured file, in order.
    :ivar gaps: what was declared: position and length in the delivered file, and the reason.
    :ivar types: of the events, oldest first, without their prefix.
    """

    pieces: tuple[Piece, ...]
    captured: list[tuple[Piece, ...]]
    gaps: list[tuple[int, int, str]]
    types: list[str]
    details: dict[str, dict[str, Any]]

    def silences(self) -> list[tuple[int, int]]:
        """Where the file is silent."""
        return [(each.at, each.frames) for each in self.pieces if each.first is None]

    def sounds(self) -> list[Piece]:
        """Where it is not."""
        return [each for each in self.pieces if each.first is not None]

    def check_two_segments(self) -> int:
        """
        Check that all of two segments is there, with silence of the gap's length between them.

        :returns: the frames between the last one before it and the first one after it.
        """
        assert [len(each) for each in self.captured] == [1, 1], self.captured
        assert [each.run for each in self.sounds()] == [each[0].run for each in self.captured]
        first, second = (each.run for each in self.sounds())
        missing = second.first - first.end
        assert [(at, frames) for at, frames, _ in self.gaps] == self.silences()
        assert len(self.gaps) == 1
        assert abs(self.gaps[0][1] - missing) < TOLERANCE, (self.gaps, missing)
        return missing


def read_pieces(path: Path) -> tuple[Piece, ...]:
    """What a WAV file holds."""
    audio = sniff(path, FORMAT, RATE, CHANNELS)
    with path.open("rb") as file:
        file.seek(audio.data_offset)
        data = file.read(audio.frames * FORMAT.frame_bytes(CHANNELS))
    return pieces_of(data, FORMAT, CHANNELS, 0)


@attrs.frozen
class Bench:
    """
    An agent that records from a device.

    :ivar name: of the recording.
    """

    rig: Rig
    operator: Operator
    name: str

    @property
    def captures(self) -> Path:
        """Where it captures."""
        return self.rig.directory / "agent" / "captures"

    def segments(self) -> list[Path]:
        """The captured files, oldest first."""
        return sorted(self.captures.glob("*.raw.wav"), key=lambda path: path.stat().st_ctime_ns)

    def arecord(self) -> int:
        """The process id of the program that captures."""
        found = [
            each.pid
            for each in writers(self.captures)
            if Path(each.argv[0]).name == "arecord" and "raw" in each.argv
        ]
        assert len(found) == 1, found
        return found[0]

    async def delivered(self) -> Recorded:
        """Wait for the end."""
        path = await fetched(self.rig, self.operator, self.name)
        await told(self.operator, f"{PREFIX}capture_accounted")
        events = [
            event
            for event in reversed(await self.operator.health_events())
            if event["type"].startswith(PREFIX)
        ]
        details = {event["type"].removeprefix(PREFIX): event["details"] for event in events}
        gaps = [
            (gap["startFrame"], gap["frames"], gap["reason"])
            for gap in details["capture_accounted"]["gaps"]
        ]
        return Recorded(
            pieces=read_pieces(path),
            captured=[read_pieces(each) for each in self.segments()],
            gaps=gaps,
            types=[event["type"].removeprefix(PREFIX) for event in events],
            details=details,
        )


@asynccontextmanager
async def recording(
    directory: Path, device: AlsaDevice, seconds: int, *flags: str
) -> AsyncIterator[Bench]:
    """Have an agent that was told to record from the device."""
    async with make_rig(directory, **device.env) as rig:
        await rig.start_controller("--solo-port", "0")
        operator = rig.operator()
        wished = {
            "nodeId": NODE,
            "device": device.name,
            "durationSeconds": seconds,
            "channels": CHANNELS,
            "format": FORMAT.name,
            "outputCodec": "wav",
        }
        name = await queue(operator, wished)
        rig.start_agent(*flags)
        yield Bench(rig, operator, name)


async def lose(bench: Bench, device: AlsaDevice, seconds: float) -> int:
    """
    Take the device away for so long, two seconds after the first sample.

    :returns: the number of the frame at which it went.
    """
    await grown(bench.captures, 2 * BYTES_PER_SECOND)
    device.unplug()
    assert device.epoch is not None
    number = round((time.monotonic() - device.epoch) * RATE)
    await after(seconds)
    device.plug()
    return number


async def test_gone_for_seconds(device: AlsaDevice, tmp_path: Path) -> None:
    """A device that comes back makes two segments, and silence as long as it was away."""
    async with recording(tmp_path, device, 9) as bench:
        went = await lose(bench, device, 3.0)
        got = await bench.delivered()
    missing = got.check_two_segments()
    assert 0 <= went - got.sounds()[0].run.end < MOST_UNREAD
    assert 3 * RATE <= missing < 6 * RATE
    assert got.pieces[0].at == 0
    assert abs(got.pieces[-1].end - 9 * RATE) < TOLERANCE
    assert "No such device" in got.gaps[0][2]
    assert got.types.count("capture_device_lost") == 1
    assert got.types.count("capture_runtime_restarted") == 1
    assert got.types.count("capture_segments_stitched") == 1
    stitched = got.details["capture_segments_stitched"]
    assert stitched["segmentCount"] == 2
    assert stitched["gapSeconds"] == [round(got.gaps[0][1] / RATE, 3)]
    assert len(device.refused) >= 2, "it was not tried again while the device was away"


async def test_gaps_joined(device: AlsaDevice, tmp_path: Path) -> None:
    """With ``--capture-gaps join`` the segments follow one another; the gap is declared too."""
    async with recording(tmp_path, device, 7, "--capture-gaps", "join") as bench:
        await lose(bench, device, 2.0)
        got = await bench.delivered()
    assert got.silences() == []
    assert [each.run for each in got.sounds()] == [each[0].run for each in got.captured]
    first, second = (each.run for each in got.sounds())
    assert len(got.gaps) == 1
    at, frames, _ = got.gaps[0]
    assert at == first.frames
    assert abs(frames - (second.first - first.end)) < TOLERANCE


async def test_busy_at_first(device: AlsaDevice, tmp_path: Path) -> None:
    """A device that somebody else has is waited for; the recording begins with that gap."""
    device.occupy()
    async with recording(tmp_path, device, 8) as bench:
        await told(bench.operator, f"{PREFIX}capture_device_unavailable")
        await after(3.0)
        device.vacate()
        got = await bench.delivered()
    assert [each.first is None for each in got.pieces] == [True, False]
    assert [(at, frames) for at, frames, _ in got.gaps] == got.silences()
    missing = got.sounds()[0].run.first - device.refused[0]
    assert missing >= 3 * RATE
    assert abs(got.gaps[0][1] - missing) < TOLERANCE, (got.gaps, missing)
    assert abs(got.pieces[-1].end - 8 * RATE) < TOLERANCE
    assert "busy" in got.gaps[0][2]
    assert got.types.count("capture_device_unavailable") == 1
    assert got.types.count("capture_device_recovered") == 1
    assert "capture_device_lost" not in got.types


async def test_hanging(device: AlsaDevice, tmp_path: Path) -> None:
    """An ``arecord`` that does nothing any more is ended, and another one goes on."""
    flags = [
        *("--capture-stalled-seconds", "2"),
        *("--capture-growth-grace-seconds", "1"),
        *("--capture-stop-grace-seconds", "1"),
    ]
    async with recording(tmp_path, device, 10, *flags) as bench:
        await grown(bench.captures, 2 * BYTES_PER_SECOND)
        hanging = bench.arecord()
        os.kill(hanging, signal.SIGSTOP)
        await told(bench.operator, f"{PREFIX}capture_runtime_restarted")
        assert identify(hanging) is None, "it still runs"
        got = await bench.delivered()
    assert got.check_two_segments() >= 2 * RATE
    assert got.gaps[0][2].startswith("capture output stalled")
    for each in ("capture_output_stalled", "capture_device_lost", "capture_runtime_restarted"):
        assert got.types.count(each) == 1, got.types


async def test_flood_of_messages(device: AlsaDevice, tmp_path: Path) -> None:
    """A program that never stops complaining costs no frame, no disk, and does not hold us up."""
    tools = tmp_path / "bin"
    tools.mkdir()
    real = shutil.which("arecord")
    complaint = tmp_path / "complaint"
    complaint.write_text("arecord: the moon is full, and it should not be\n" * 20_000)
    wrapper = tools / "arecord"
    wrapper.write_text(
        "#!/bin/sh\n"
        f'(while cat "{complaint}" >&2; do sleep 0.1; done) &\n'  # up to 10 MB in a second
        f'exec "{real}" "$@"\n'
    )
    wrapper.chmod(0o755)
    sizes = [0]
    async with recording(tmp_path, device, 600, "--capture-command", str(wrapper)) as bench:
        await grown(bench.captures, 1)
        segment = bench.segments()[0]
        messages = segment.with_name(segment.name.replace(".raw.wav", ".stderr.log"))
        while segment.stat().st_size < 6 * BYTES_PER_SECOND:
            sizes.append(messages.stat().st_size)
            await after(0.05)
        assert device.epoch is not None
        stopped = round((time.monotonic() - device.epoch) * RATE)
        await bench.operator.stop(bench.name)
        got = await bench.delivered()
    assert len(got.sounds()) == len(got.pieces) == 1
    assert got.gaps == []
    assert stopped - MOST_UNREAD < got.pieces[0].run.end < stopped + MOST_DEAF_SECONDS * RATE
    steps = [one - other for other, one in pairwise(sizes)]
    assert sum(step for step in steps if step > 0) > 10_000_000, "that was no flood"
    assert sum(step < 0 for step in steps) >= 2, "the messages were not cut"
    assert max(sizes) < MOST_MESSAGES, max(sizes)


CARD = "card {number}: {id} [{name}], device 0: USB Audio [USB Audio]\n"


@attrs.frozen
class Cards:
    """
    Cards as ``arecord -l`` lists them, and a program that notes which one it is told to open.

    What is opened is a card of numbered frames, as long as the plug is in.
    """

    directory: Path
    tone: str

    def make(self) -> None:
        """Write the programs."""
        (self.directory / "asound").mkdir()
        (self.directory / "asound" / "pcm").touch()
        self._program("list-cards", f'[ "$1" = -l ] && cat "{self.directory}/cards"\n')
        device = f"numbered:{round(time.monotonic() - 100, 3)}"
        self._program(
            "rakkr-tone",
            f'[ "$1" = -D ] && echo "$2" >> "{self.directory}/opened"\n'
            f'shift 2\nexec "{self.tone}" -D {device} "$@"\n',
        )
        self.plug()

    def show(self, cards: dict[int, tuple[str, str]]) -> None:
        """Let these be the cards: ALSA's id and the name of each number."""
        lines = [CARD.format(number=at, id=each[0], name=each[1]) for at, each in cards.items()]
        draft = self.directory / "cards.new"
        draft.write_text("**** List of CAPTURE Hardware Devices ****\n" + "".join(lines))
        draft.replace(self.directory / "cards")

    def plug(self) -> None:
        """Let whatever is opened give samples."""
        (self.directory / "plug").touch()

    def unplug(self) -> None:
        """Let it give none, in the middle too."""
        (self.directory / "plug").unlink()

    @property
    def opened(self) -> list[str]:
        """What the program was told to open, oldest first."""
        path = self.directory / "opened"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def flags(self) -> list[str]:
        """For the agent."""
        return [
            *("--inventory-arecord-command", str(self.directory / "list-cards")),
            *("--inventory-proc-asound-pcm-path", str(self.directory / "asound" / "pcm")),
            *("--capture-command", str(self.directory / "rakkr-tone")),
        ]

    def _program(self, name: str, text: str) -> None:
        path = self.directory / name
        path.write_text(f"#!/bin/sh\n{text}")
        path.chmod(0o755)


# Numbers that no machine has, so that the kernel's files tell nothing of them.
DESK, HALL = ("Desk", "Desk Mixer"), ("Hall", "Hall Array")


async def test_other_number(tmp_path: Path) -> None:
    """
    A card that comes back under another number is found there.

    The card that has got its old number meanwhile is not opened, although it would give samples.
    """
    base = make_rig(tmp_path)
    tone = shutil.which("rakkr-tone", path=base.environ["PATH"])
    assert tone is not None
    cards = Cards(tmp_path / "cards", tone)
    cards.directory.mkdir()
    cards.make()
    cards.show({21: DESK, 22: HALL})
    base.environ = {**base.environ, "RAKKR_TONE_PLUG": str(cards.directory / "plug")}
    async with base as rig:
        await rig.start_controller("--solo-port", "0")
        operator = rig.operator()
        wished = {
            "nodeId": NODE,
            "device": "hw:21,0",
            "durationSeconds": 12,
            "channels": CHANNELS,
            "format": FORMAT.name,
            "outputCodec": "wav",
        }
        name = await queue(operator, wished)
        # What listens while nothing is recorded would open the default device.
        rig.start_agent(*cards.flags, "--meter-backend", "synthetic")
        bench = Bench(rig, operator, name)
        await grown(bench.captures, 2 * BYTES_PER_SECOND)
        assert cards.opened == ["hw:21,0"]
        cards.show({21: HALL})
        cards.unplug()
        await told(operator, f"{PREFIX}capture_device_lost")
        cards.plug()  # the other card works; what is missing is ours
        await after(2.5)
        assert cards.opened == ["hw:21,0"], "another card was opened"
        cards.show({21: HALL, 23: DESK})
        got = await bench.delivered()
    assert cards.opened == ["hw:21,0", "hw:CARD=Desk,DEV=0"]
    assert got.check_two_segments() >= round(2.5 * RATE)
    assert "hw:21,0 is now another card" in got.gaps[0][2]
    refreshed = got.details["capture_device_refreshed"]
    assert refreshed["previousDevice"] == "hw:21,0"
    assert refreshed["refreshedDevice"] == "hw:CARD=Desk,DEV=0"


async def test_name_of_now(tmp_path: Path) -> None:
    """A job's interface is opened by its name of now, although no inventory was taken before."""
    base = make_rig(tmp_path)
    tone = shutil.which("rakkr-tone", path=base.environ["PATH"])
    assert tone is not None
    cards = Cards(tmp_path / "cards", tone)
    cards.directory.mkdir()
    cards.make()
    cards.show({})
    base.environ = {**base.environ, "RAKKR_TONE_PLUG": str(cards.directory / "plug")}
    async with base as rig:
        await rig.start_controller("--solo-port", "0")
        operator = rig.operator()
        wished = {
            "nodeId": NODE,
            "device": "hw:2,0",
            "durationSeconds": 1,
            "channels": CHANNELS,
            "format": FORMAT.name,
            "outputCodec": "wav",
            "command": {"captureInterfaceId": "alsa_card_smoke_dev_0"},
        }
        name = await queue(operator, wished)
        cards.show({22: ("SMOKE", "Smoke Card")})
        ran = await controlled(rig, *cards.flags, "--run-next-job")
        assert ran.exit.ok, ran.stderr
        got = await Bench(rig, operator, name).delivered()
    assert cards.opened == ["hw:CARD=SMOKE,DEV=0"]
    refreshed = got.details["capture_device_refreshed"]
    assert refreshed["captureInterfaceId"] == "alsa_card_smoke_dev_0"
    assert refreshed["previousDevice"] == "hw:2,0"
    assert refreshed["refreshedDevice"] == "hw:CARD=SMOKE,DEV=0"
