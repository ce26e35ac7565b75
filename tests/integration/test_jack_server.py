"""The JACK servers of these tests keep their own promises, before anything is tested on them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rakkr.audio import wave
from rakkr.audio.pcm import FORMATS
from rakkr.tone import numbered
from tests.integration import jack_server
from tests.integration.capture_world import samples
from tests.integration.jack_server import JackServer, Mode

Need = Callable[[str, str], str]
_TRIES = 3


@pytest.fixture(autouse=True)
def programs(need: Need) -> None:
    """Skip where JACK is not installed."""
    for each in (*jack_server.NEEDS, ("jack_capture", "jack-capture")):
        need(*each)


def recorded(server: JackServer, ports: tuple[str, ...], path: Path) -> bytes:
    """Record a second with ``jack_capture``, and return the samples."""
    named = [word for port in ports for word in ("--port", port)]
    shape = ["--no-stdin", "-d", "1", "-c", str(len(ports)), "-f", "rf64", "-b", "FLOAT", "-dc"]
    for _ in range(_TRIES):  # another test may start one at the same moment, at a server of its own
        done = subprocess.run(
            ["jack_capture", *shape, *named, path],
            env={**os.environ, **server.env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=30,
        )
        if done.returncode == 0:
            break
    assert done.returncode == 0, done.stderr.decode()
    return samples(wave.sniff(path, FORMATS["FLOAT_LE"], 48000, len(ports)))


def until(happened: Callable[[], bool]) -> None:
    """Wait for a server to notice, at most 10 s."""
    end = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < end, "that never happened"
        time.sleep(0.02)


@pytest.mark.parametrize("channels", [1, 2, 32])
def test_numbers_arrive(tmp_path: Path, channels: int) -> None:
    """What jack_capture records in floats is the source, bit for bit, and no frame is missing."""
    with JackServer(tmp_path) as server:
        ports = server.plug("desk", channels)
        takes = (recorded(server, ports, tmp_path / "take.rf64") for _ in range(_TRIES))
        # A machine that stands still for a moment costs frames, and that is nobody's fault here.
        assert any(whole(take, channels) for take in takes)


def whole(data: bytes, channels: int) -> bool:
    """Whether these are 48000 frames as they were played, one behind the other."""
    sample = FORMATS["FLOAT_LE"]
    first = int(numbered.decode(data[: sample.frame_bytes(channels)], sample, channels)[0])
    return data == numbered.encode(first, 48000, sample, channels)


@pytest.mark.parametrize(("mode", "name"), [("S24_3LE", "S24_3LE"), ("S16_LE", "S16_LE")])
def test_narrow_numbers(tmp_path: Path, mode: Mode, name: str) -> None:
    """Narrow modes play the words of that format as fractions of full scale."""
    with JackServer(tmp_path) as server:
        waves = np.frombuffer(recorded(server, server.plug("desk", 2, mode), tmp_path / "t"), "<f4")
        missed = server.missed("desk")
    bits = FORMATS[name].bits
    words = (waves * 2.0 ** (bits - 1)).astype("<i4")
    data = words.astype("<i4").view("u1").reshape(-1, 4)[:, : bits // 8].tobytes()
    numbers = numbered.decode(data, FORMATS[name], 2)
    assert len(numbers) == 48000
    assert missed or np.all(np.diff(numbers) % numbered.modulus(FORMATS[name], 2) == 1)


def test_sines(tmp_path: Path) -> None:
    """Each channel of a device that plays sines has a frequency of its own."""
    with JackServer(tmp_path) as server:
        data = recorded(server, server.plug("desk", 3, "sine"), tmp_path / "take.rf64")
    waves = np.frombuffer(data, "<f4").reshape(-1, 3)
    assert list(np.abs(np.fft.rfft(waves, axis=0)).argmax(axis=0)) == [440, 490, 540]


def test_plug_and_unplug(tmp_path: Path) -> None:
    """A device's ports come and go, and come back under their names and on the same clock."""
    with JackServer(tmp_path) as server:
        ports = server.plug("Desk, main (USB)", 2)
        assert ports == ("Desk, main (USB):out_1", "Desk, main (USB):out_2")
        assert set(ports) <= set(server.ports())
        before = numbered.decode(recorded(server, ports, tmp_path / "1"), FORMATS["FLOAT_LE"], 2)
        server.unplug("Desk, main (USB)")
        until(lambda: set(ports).isdisjoint(server.ports()))
        assert server.plug("Desk, main (USB)", 2) == ports
        after = numbered.decode(recorded(server, ports, tmp_path / "2"), FORMATS["FLOAT_LE"], 2)
        assert after[0] > before[-1]


def test_side_by_side(tmp_path: Path) -> None:
    """Servers know nothing of each other, each has its own rate, and one may crash alone."""
    with JackServer(tmp_path) as one, JackServer(tmp_path, rate=44100) as other:
        one.plug("left", 2)
        other.plug("right", 2)
        assert "right:out_1" not in one.ports()
        assert "left:out_1" not in other.ports()
        one.crash()
        frames = len(recorded(other, ("right:out_1", "right:out_2"), tmp_path / "take.rf64")) // 8
        assert frames == 44100
        one.restart()
        assert one.plug("left", 1) == ("left:out_1",)


def test_frozen(tmp_path: Path) -> None:
    """A server that is frozen answers nobody, goes on when it is thawed, and can end frozen."""
    with JackServer(tmp_path) as server:
        ask = ["jack_lsp"]
        env = {**os.environ, **server.env}
        server.freeze()
        with pytest.raises(subprocess.TimeoutExpired):
            subprocess.run(ask, env=env, capture_output=True, check=False, timeout=0.5)
        server.thaw()
        until(lambda: "system:capture_1" in server.ports())
        server.freeze()


def test_nothing_left(tmp_path: Path) -> None:
    """Nothing of a server outlives its context, also when it was killed."""
    with JackServer(tmp_path) as server:
        server.plug("desk", 2)
        server.crash()
        name = server.name
    assert not list(Path("/dev/shm").glob(f"*{name}*"))
    assert not list(Path("/tmp").glob(f"*{name}*"))
    assert name.encode() not in Path("/dev/shm/jack-shm-registry").read_bytes()
    running = [path for path in Path("/proc").glob("[0-9]*") if _mentions(path, name)]
    assert not running


def _mentions(process: Path, name: str) -> bool:
    try:
        words = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    except OSError:
        return False
    return name.encode() in words


def test_device_without_server(tmp_path: Path) -> None:
    """The device says by its exit code that its server went away."""
    with JackServer(tmp_path) as server:
        server.plug("desk", 2)
        device = server._devices["desk"]
        assert server._server is not None
        os.kill(server._server.pid, signal.SIGKILL)
        assert device.wait(10) == 3
