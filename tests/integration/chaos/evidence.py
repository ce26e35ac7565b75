"""What a run left behind, read for its accounting."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rakkr.audio import wave
from rakkr.audio.pcm import FORMATS, SampleFormat
from rakkr.health import rotation
from rakkr.process import Ladder, run
from rakkr.tone import ledger
from rakkr.tone.ledger import Run
from tests.integration.chaos.accounting import Declared, Gap, Tolerance
from tests.integration.chaos.pieces import merged, pieces_of

ACCOUNTED = "agent.recording_job.capture_accounted"
FAILED = tuple(
    f"agent.recording_job.{name}"
    for name in ("cache_upload_failed", "capture_failed", "capture_start_failed")
)
_DECODED = {
    "S16_LE": ("s16le", "S16_LE"),
    "S24_3LE": ("s24le", "S24_3LE"),
    "S24_LE": ("s24le", "S24_3LE"),
    "S32_LE": ("s32le", "S32_LE"),
    "FLOAT_LE": ("f32le", "FLOAT_LE"),
}
_MOST_BYTES = 1 << 29


class NotDecoded(Exception):
    """A delivered file cannot be read; the message holds what ffmpeg says."""


def tolerance_at(rate: int) -> Tolerance:
    """The stated tolerances: 250 ms for a gap, 600 ms for one while which no agent ran."""
    return Tolerance(gap=rate // 4, unseen=rate * 6 // 10)


def ledgers(directory: Path) -> tuple[Run, ...]:
    """
    What the card's programs wrote.

    :raises ValueError: when two of them claim the same frame: the card was opened twice.
    """
    found = [ledger.read(path.read_bytes()) for path in directory.iterdir()]
    runs = sorted(run for each in found if each is not None for run in each.runs)
    for index, other in enumerate(runs[1:]):
        if other.first < runs[index].end:
            raise ValueError(f"frame {other.first} was written twice")
    return merged(runs)


async def decode(
    reactor: Any, path: Path, name: str, environ: Mapping[str, str]
) -> tuple[bytes, SampleFormat]:
    """
    The samples of a delivered file.

    :param name: the ALSA name of the captured format.
    :returns: and the format in which they are here; it holds the same bits.
    :raises NotDecoded: when ffmpeg refuses.
    """
    kind, here = _DECODED[name]
    argv = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-f", kind, "-"]
    ladder = Ladder(limit=60.0)
    ran = await run(reactor, reactor, argv, env=environ, ladder=ladder, most=_MOST_BYTES)
    if not ran.exit.ok or ran.stderr:
        raise NotDecoded(f"{path}: {ran.exit} {ran.stderr.decode(errors='replace')}")
    return ran.stdout, FORMATS[here]


def kept_runs(
    captures: Path, sample: SampleFormat, rate: int, channels: int, near: int
) -> tuple[Run, ...]:
    """The numbers in the captured files that the agent kept."""
    found: list[Run] = []
    for path in captures.glob("*.raw.*"):
        if path.suffix not in {".wav", ".pcm"}:
            continue  # what the program said, for example
        audio = wave.sniff(path, sample, rate, channels)
        with path.open("rb") as file:
            file.seek(audio.data_offset)
            data = file.read(audio.frames * sample.frame_bytes(channels))
        pieces = pieces_of(data, sample, channels, near)
        found += [piece.run for piece in pieces if piece.first is not None]
    return merged(found)


def events(log: Path) -> list[dict[str, Any]]:
    """The agent's events in its local log, oldest first; lines that a fault tore are left out."""
    names = [path.name.removeprefix(log.name) for path in log.parent.glob(f"{log.name}*")]
    return [
        event
        for suffix in rotation.in_order(names)
        for event in _events(log.with_name(log.name + suffix))
    ]


def _events(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_bytes().splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def told_of(told: Sequence[Mapping[str, Any]], *types: str) -> set[str]:
    """The recordings of which one of these was told as the end, and nothing is tried again."""
    return {
        str(each.get("recordingId"))
        for each in told
        if each.get("type") in types and not each.get("details", {}).get("willRetry")
    }


def declared(told: Sequence[Mapping[str, Any]], recording: str, rate: int) -> Declared | None:
    """What the agent says of a recording, the last time it did; None if it says nothing."""
    details = [
        event["details"]
        for event in told
        if event.get("type") == ACCOUNTED and event.get("recordingId") == recording
    ]
    if not details:
        return None
    last = details[-1]
    reported = round(float(last.get("dropoutMilliseconds", 0.0)) * rate / 1000)
    return Declared(
        gaps=tuple(
            Gap(int(gap["startFrame"]), int(gap["frames"]), str(gap.get("reason", "")))
            for gap in last.get("gaps", ())
        ),
        dropouts=max(reported, int(last.get("missingFrames", 0))),
    )
