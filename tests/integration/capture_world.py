"""The real reactor as the surroundings of captures, and what tests ask of their audio."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import sample_format
from rakkr.capture.probing import Probing
from rakkr.capture.request import CaptureRequest
from rakkr.capture.router import Router
from rakkr.capture.surroundings import Surroundings, shim_command
from rakkr.inventory.servers import SoundServers
from rakkr.tone import numbered

# As rakkr.tap does; shims and agents understand each other by this clock.
reactor.seconds = time.monotonic  # type: ignore[method-assign]
_numbers = itertools.count(1)


def real_surroundings(env: Mapping[str, str] | None = None) -> Surroundings:
    """Use the reactor, its thread pool, and our environment with additions."""
    world: Any = reactor
    return Surroundings(
        spawner=world,
        clock=world,
        in_thread=_in_thread,
        env={**os.environ, **(env or {})},
        shim=shim_command(sys.executable),
        watcher=world,
        look=_servers(env),
    )


def real_router(env: Mapping[str, str] | None = None) -> Router:
    """Find out how captures are made, on the real reactor."""
    world: Any = reactor
    probing = Probing(world, world, {**os.environ, **(env or {})})
    return Router(probing, _servers(env), world, lambda: f"rakkr-test-{next(_numbers)}")


def only(directory: Path, *programs: str) -> Mapping[str, str]:
    """Make an environment in which there are no other programs than these."""
    place = directory / "only"
    place.mkdir(exist_ok=True)
    for name in programs:
        path = shutil.which(name)
        assert path is not None, name
        (place / name).symlink_to(path)
    return {"PATH": str(place)}


def _in_thread(work: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
    world: Any = reactor
    return deferToThreadPool(world, world.getThreadPool(), work, *arguments)


def _servers(env: Mapping[str, str] | None) -> SoundServers:
    world: Any = reactor
    return SoundServers(world, world, _in_thread, {**os.environ, **(env or {})})


def two_seconds(directory: Path, **changes: Any) -> CaptureRequest:
    """Ask for two seconds of 48 kHz stereo in 16 bits, with changes."""
    request = CaptureRequest(
        backend="alsa",
        command="arecord",
        args_template=None,
        device="numbered",
        format=sample_format("S16_LE"),
        rate=48000,
        channels=2,
        seconds=2,
        path=directory / "out" / "take.raw.wav",
    )
    return attrs.evolve(request, **changes)


def after(seconds: float) -> Deferred[None]:
    """Let time pass, where the test is about a moment in time."""
    return deferLater(reactor, seconds, lambda: None)


async def until(came: Callable[[], bool]) -> None:
    """Wait for something that tells nobody when it comes; the test's deadline ends that."""
    while not came():
        await after(0.02)


def samples(audio: CapturedAudio) -> bytes:
    """Read exactly the frames that the audio names."""
    with audio.path.open("rb") as file:
        file.seek(audio.data_offset)
        return file.read(audio.frames * audio.format.frame_bytes(audio.channels))


def frame_numbers(audio: CapturedAudio) -> npt.NDArray[np.int64]:
    """Read the numbers of numbered frames."""
    return numbered.decode(samples(audio), audio.format, audio.channels)
