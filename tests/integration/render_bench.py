"""Captures whose every sample is known, real renderers, and what can be read back from files."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from twisted.internet import reactor as global_reactor
from twisted.internet.threads import deferToThreadPool

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import FORMATS, SampleFormat, sample_format
from rakkr.audio.strip import Strip
from rakkr.render.binary import Renderer, bundled_ffmpeg, find_renderer
from rakkr.render.channels import Routing
from rakkr.render.orders import feeder
from rakkr.render.plan import RenderPlan
from rakkr.render.runner import Rendered, render

reactor: Any = global_reactor
RATE = 48000
HEADER = b"not a header that anybody can read, of 61 bytes".ljust(61, b"!")


def renderer_named(name: str, need: Callable[[str, str], str]) -> Renderer:
    """Find the installed ffmpeg, or the one of the wheel."""
    if name == "installed":
        return find_renderer(need("ffmpeg", "ffmpeg"), os.environ["PATH"], lambda: None)
    bundled = bundled_ffmpeg()
    if bundled is None:
        pytest.skip("imageio-ffmpeg is not installed: pip install rakkr-recorder[ffmpeg]")
    return Renderer(str(bundled))


def noise(source: SampleFormat, frames: int, channels: int) -> NDArray[np.int64]:
    """Return samples that use all bits, the extremes among them."""
    most = 1 << (min(source.bits, 24 if source.name.startswith("FLOAT_") else 32) - 1)
    values = np.random.default_rng(7).integers(-most, most, (frames, channels))
    values[0] = -most
    values[-1] = most - 1
    return values


def packed(values: NDArray[np.int64], source: SampleFormat) -> bytes:
    """Code samples as a capture program does; undefined bits get a value that hurts."""
    order = ">" if source.big_endian else "<"
    if source.kind == "float":
        floats = values / (1 << (23 if source.bits == 32 else 31))
        return floats.astype(f"{order}f{source.container_bytes}").tobytes()
    if source.kind == "unsigned":
        return (values + (1 << (source.bits - 1))).astype("u1").tobytes()
    if source.bits != 24:
        return values.astype(f"{order}i{source.container_bytes}").tobytes()
    wide = (values.astype("<i4").view("<u4") & 0xFFFFFF) | 0x5A000000
    octets = wide.astype("<u4").view("u1").reshape(-1, 4)[:, : source.container_bytes]
    return (octets[:, ::-1] if source.big_endian else octets).tobytes()


def tones(channels: int, frames: int) -> NDArray[np.int64]:
    """Return a sine of 400 + 100 * c Hz in channel c, in 16 bits."""
    time = np.arange(frames)[:, None] / RATE
    wave = 0.5 * np.sin(2 * np.pi * (400 + 100 * np.arange(channels)) * time)
    return np.rint(wave * 32767).astype(np.int64)


def capture(
    folder: Path,
    values: NDArray[np.int64],
    name: str = "S16_LE",
    *,
    rate: int = RATE,
    stem: str = "capture",
) -> CapturedAudio:
    """Put samples into a file whose header is junk."""
    source = sample_format(name)
    path = folder / f"{stem}.raw.wav"
    path.write_bytes(HEADER + packed(values, source))
    frames, channels = values.shape
    return CapturedAudio(path, len(HEADER), source, rate, channels, frames, wav=True)


def straight(channels: int) -> Routing:
    """Route every channel to itself."""
    return Routing(tuple((channel,) for channel in range(channels)))


async def rendered(
    renderer: Renderer,
    recording: CapturedAudio | Strip,
    target: Path,
    plan: RenderPlan,
    progress: Callable[[float], None] = lambda _seconds: None,
    *,
    feed: tuple[str, ...] = feeder(sys.executable),
) -> Rendered:
    """Render with the real reactor."""
    strip = Strip.of(recording) if isinstance(recording, CapturedAudio) else recording
    return await render(
        reactor,
        reactor,
        in_thread=functools.partial(deferToThreadPool, reactor, reactor.getThreadPool()),
        renderer=renderer,
        feeder=feed,
        env=dict(os.environ),
        plan=plan,
        strip=strip,
        target=target,
        progress=progress,
    )


def unpacked(name: str) -> str:
    """Say in which format a wav holds what was captured in that one."""
    if FORMATS[name].bits == 8:
        return "U8"
    return {"S24_LE": "S24_3LE"}.get(little := name.replace("BE", "LE"), little)


def wav_data(path: Path) -> bytes:
    """Return what the data chunk holds, by its own size."""
    content = path.read_bytes()
    assert content[:4] == b"RIFF"
    assert int.from_bytes(content[4:8], "little") == len(content) - 8
    place = 12
    while content[place : place + 4] != b"data":
        place += 8 + int.from_bytes(content[place + 4 : place + 8], "little")
    size = int.from_bytes(content[place + 4 : place + 8], "little")
    return content[place + 8 : place + 8 + size]


def decoded(renderer: Renderer, path: Path, channels: int) -> NDArray[np.int32]:
    """Return what a player hears, one row for each frame."""
    args = ["-v", "error", "-guess_layout_max", "0", "-i", str(path), "-f", "s32le", "-"]
    done = subprocess.run([renderer.command, *args], capture_output=True, check=True)
    assert done.stderr == b""
    return np.frombuffer(done.stdout, "<i4").reshape(-1, channels)


def hertz(samples: NDArray[np.int32]) -> list[int]:
    """Return the loudest frequencies in a channel to 10 Hz; none for silence."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    if spectrum.max() < len(samples) * (1 << 15):
        return []
    loud = np.flatnonzero(spectrum > spectrum.max() / 3) * RATE / len(samples)
    return sorted({round(each / 50) * 50 for each in loud})
