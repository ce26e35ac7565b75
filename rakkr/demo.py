"""
``make demo``: the main job from end to end, with real programs, real TLS, and a proof at the end.

Starts the built-in controller and an agent as processes of their own, queues ten seconds of stereo
FLAC, watches, fetches the file and measures it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.task import LoopingCall, react

from rakkr.process import Ladder, run
from rakkr.render.binary import find_renderer
from rakkr.rig import NODE, Rig, RigFailed
from rakkr.simulated_card import plug_in
from rakkr.solo.operator import Operator, OperatorRefused, RecordingFailed
from rakkr.tone.sources import STEP_HZ, TONE_HZ

SECONDS = 10
RATE = 48_000
CHANNELS = 2
PATIENCE_SECONDS = 90.0
_HERTZ_TOLERANCE = 1.0
_SECONDS_TOLERANCE = 0.1


class NotProven(Exception):
    """The demo did not show what it is meant to show; the message says what was seen."""


def say(text: str) -> None:
    """Tell the person who watches."""
    print(text, flush=True)


def main() -> None:
    """Run the demo, and exit with 0 only when everything was verified."""
    parser = argparse.ArgumentParser(prog="python -m rakkr.demo", description=__doc__)
    parser.add_argument("--source", choices=["rakkr-tone", "arecord"], default="rakkr-tone")
    parser.add_argument("--directory", type=Path, default=Path("data"))
    asked = parser.parse_args()
    if asked.source == "arecord" and shutil.which("arecord") is None:
        sys.exit("demo: arecord is not installed: apt-get install alsa-utils")
    react(_demo, (asked.source, asked.directory))


async def _demo(reactor: Any, source: str, parent: Path) -> None:
    reactor.seconds = time.monotonic
    parent.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="demo-", dir=parent)).absolute()
    programs = str(Path(sys.executable).parent)
    environ = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    rig = Rig(reactor, directory, environ)
    # A signal ends this function at once, so the children are ended from here.
    reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(rig.stop()))
    if source == "arecord":
        say("plugging a simulated sound card in, for the real arecord")
        tone = Path(sys.executable).with_name("rakkr-tone")
        feeder, found = plug_in(
            reactor, directory, environ, tone=tone, rate=RATE, channels=CHANNELS
        )
        rig.children.append(feeder)
        rig.environ = {**environ, **found}
    try:
        result = await _record(rig, source)
    except (NotProven, RigFailed, RecordingFailed, OperatorRefused) as error:
        say(f"demo: {error}")
        say(f"demo: the logs are in {directory}")
        raise SystemExit(1) from error
    finally:
        say("stopping the agent and the controller")
        await rig.stop()
    print(json.dumps(result), flush=True)


async def _record(rig: Rig, source: str) -> dict[str, Any]:
    say("starting the built-in controller (its authority and certificate are made now)")
    await rig.start_controller("--solo-port", "0")
    say(f"the controller listens at {rig.url}")
    rig.start_agent("--capture-command", source)
    operator = rig.operator()
    queued = await operator.queue(
        {
            "nodeId": NODE,
            "name": "demo",
            "device": "default",
            "durationSeconds": SECONDS,
            "outputCodec": "flac",
            "channels": CHANNELS,
            "sampleRate": RATE,
            "format": "S16_LE",
        }
    )
    recording_id = queued["recording"]["id"]
    say(f"queued {recording_id}: {SECONDS} s of stereo FLAC from {source}")
    finished = await _watch(rig, operator, recording_id)
    path = rig.directory / finished["files"]["primary"]["fileName"]
    return await _verify(rig, operator, finished, path)


async def _watch(rig: Rig, operator: Operator, recording_id: str) -> dict[str, Any]:
    began = rig.reactor.seconds()
    captures = rig.directory / "agent" / "captures"

    def show() -> None:
        recorded = sum(path.stat().st_size for path in captures.glob("*.raw.wav") if path.exists())
        passed = rig.reactor.seconds() - began
        say(f"  {passed:4.0f} s  {recorded / 1024:7.0f} KiB recorded")

    showing = LoopingCall(show)
    showing.clock = rig.reactor
    showing.start(1.0, now=False)
    waiting = operator.wait_for(recording_id, "cached")
    try:
        limited = Deferred.fromCoroutine(waiting).addTimeout(PATIENCE_SECONDS, rig.reactor)
        found: dict[str, Any] = await limited
    except TooLate as error:
        raise NotProven(f"nothing was uploaded within {PATIENCE_SECONDS:.0f} s") from error
    finally:
        showing.stop()
    recording: dict[str, Any] = found["recording"]
    return recording


async def _verify(
    rig: Rig, operator: Operator, recording: dict[str, Any], path: Path
) -> dict[str, Any]:
    fetched = await operator.download(recording["id"], path)
    file = recording["files"]["primary"]
    say(f"fetched {fetched.bytes} bytes, SHA-256 {fetched.sha256}")
    if (fetched.bytes, f"sha256:{fetched.sha256}") != (file["size"], file["checksum"]):
        raise NotProven(f"the controller announced {file['size']} bytes, {file['checksum']}")
    samples = await _decode(rig, path)
    seconds = len(samples) / RATE
    if abs(seconds - SECONDS) > _SECONDS_TOLERANCE:
        raise NotProven(f"the file holds {seconds:.3f} s instead of {SECONDS}")
    for channel in range(CHANNELS):
        heard, expected = strongest_hertz(samples[:, channel]), TONE_HZ + STEP_HZ * channel
        say(f"channel {channel + 1}: {heard:.1f} Hz, expected {expected:.1f} Hz")
        if abs(heard - expected) > _HERTZ_TOLERANCE:
            raise NotProven(f"channel {channel + 1} carries {heard:.1f} Hz")
    return {
        "recordingId": recording["id"],
        "path": str(path),
        "codec": path.suffix.removeprefix("."),
        "seconds": round(seconds, 3),
        "frames": len(samples),
        "bytes": fetched.bytes,
        "sha256": fetched.sha256,
        "transport": rig.url.partition(":")[0],
        "verified": True,
    }


async def _decode(rig: Rig, path: Path) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The file's samples, shape (frames, channels), full scale 1.0, as ffmpeg decodes them."""
    ffmpeg = find_renderer("ffmpeg", rig.environ["PATH"]).command
    argv = [ffmpeg, "-nostdin", "-v", "error", "-i", str(path), "-f", "f32le", "-"]
    most = 2 * SECONDS * RATE * CHANNELS * 4
    ladder = Ladder(limit=60.0)
    decoded = await run(rig.reactor, rig.reactor, argv, env=rig.environ, ladder=ladder, most=most)
    if not decoded.exit.ok:
        raise NotProven(f"{path} cannot be decoded: {decoded.stderr.decode(errors='replace')}")
    return np.frombuffer(decoded.stdout, "<f4").reshape(-1, CHANNELS)


def strongest_hertz(samples: np.ndarray[Any, np.dtype[np.float32]]) -> float:
    """The frequency of the strongest line in the spectrum of a one-channel signal at ``RATE``."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * RATE / len(samples)


if __name__ == "__main__":
    main()
