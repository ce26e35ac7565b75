"""
Private JACK servers with devices whose frames are numbered, for machines without sound hardware.

``jackd`` runs on its dummy driver, which keeps the time of a sound card.  A device is a small
client (``jack/feed.c``, compiled when first needed) whose ports play numbers, or sines.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

_SOURCE: Final = Path(__file__).with_name("jack") / "feed.c"
NEEDS: Final = (
    ("jackd", "jackd2"),
    ("jack_lsp", "jackd2"),
    ("gcc", "gcc libc6-dev libjack-jackd2-dev"),
)
"""Programs and their Debian packages, for the ``need`` fixture."""

Mode = Literal["FLOAT_LE", "S24_3LE", "S16_LE", "sine"]
"""The format whose recording shows the numbers bit for bit, or sines of 440, 490, 540 ... Hz."""

_PATIENCE_SECONDS: Final = 20.0
_GRACE_SECONDS: Final = 3.0
_STEP_SECONDS: Final = 0.02
_NOBODY_ELSES: Final = ("JACK_PROMISCUOUS_SERVER", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY")


class JackServer:
    """
    A server and the devices that were plugged in; all end with the context.

    JACK bears no more than eight servers on a machine.  Other clients of one name, such as
    ``jack_capture``, should not start at the same moment at two of them: see :func:`_alone`.

    :ivar name: of the server; no two are the same.
    :ivar env: to be added to the environment of its clients.
    """

    def __init__(self, directory: Path, rate: int = 48000, period: int = 1024) -> None:
        self.name = f"rakkr{os.getpid()}x{secrets.token_hex(4)}"
        self.env = {
            "JACK_DEFAULT_SERVER": self.name,
            "JACK_NO_START_SERVER": "1",
            "JACK_NO_AUDIO_RESERVATION": "1",
        }
        self._directory = directory / self.name
        self._rate = rate
        self._period = period
        self._server: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._devices: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self._directory.mkdir(parents=True)
        try:
            self._start_server()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def plug(self, device: str, channels: int = 2, mode: Mode = "FLOAT_LE") -> tuple[str, ...]:
        """Bring a device, and return the names of its ports once they play."""
        assert device not in self._devices, f"{device} is plugged in"
        log = self._directory / f"{device}.log"
        told = log.read_text().count("ready") if log.exists() else 0
        program = str(self._device_program())
        with _alone():
            child = self._spawn([program, device, str(channels), mode], log)
            self._devices[device] = child
            self._wait_for(lambda: log.read_text().count("ready") > told, child, log)
        return tuple(f"{device}:out_{number}" for number in range(1, channels + 1))

    def unplug(self, device: str) -> None:
        """Take a device away without a goodbye, as a plug that is pulled does."""
        _kill(self._devices.pop(device))

    def crash(self) -> None:
        """Kill the server; the devices that it had are gone with it."""
        self._kill_server()
        self._kill_devices()
        self._sweep()

    def restart(self) -> None:
        """Start the server that has crashed under the same name, without any device."""
        assert self._server is None, "it runs"
        self._start_server()

    def freeze(self) -> None:
        """Let the server do nothing."""
        self._signal_server(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal_server(signal.SIGCONT)

    def missed(self, device: str) -> list[tuple[int, int]]:
        """
        Say which frames a device did not play in time: first numbers, and how many.

        The recorder is not to blame for them.  A device tells it within a fifth of a second.
        """
        lines = (self._directory / f"{device}.log").read_text().splitlines()
        words = [line.split() for line in lines if line.startswith("missed ")]
        return [(int(first), int(frames)) for _, first, frames in words]

    def ports(self) -> tuple[str, ...]:
        """Ask the server which ports there are."""
        return tuple(self._ask("jack_lsp").stdout.decode().splitlines())

    def _start_server(self) -> None:
        self._sweep()
        log = self._directory / "jackd.log"
        child = self._spawn(
            [
                *(
                    "jackd",
                    "--no-realtime",
                    "--name",
                    self.name,
                    "--port-max",
                    "512",
                    "-d",
                    "dummy",
                ),
                *("--rate", str(self._rate), "--period", str(self._period)),
            ],
            log,
        )
        self._server = child
        self._wait_for(lambda: self._ask("jack_lsp").returncode == 0, child, log)
        self._killed = False

    def _device_program(self) -> Path:
        program = self._directory / "feed"
        if not program.exists():
            flags = ["-O2", "-Wall", "-Wextra"]
            subprocess.run(
                ["gcc", *flags, "-o", program, _SOURCE, "-ljack", "-lm"], check=True, timeout=60
            )
        return program

    def _spawn(self, argv: list[str], log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as end:
            return subprocess.Popen(
                argv,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=end,
                stderr=end,
                start_new_session=True,
            )

    def _ask(self, *argv: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            argv,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_PATIENCE_SECONDS,
        )

    def _environment(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if name not in _NOBODY_ELSES}
        return {**ours, **self.env}

    def _wait_for(
        self, happened: Callable[[], bool], child: subprocess.Popen[bytes], log: Path
    ) -> None:
        end = time.monotonic() + _PATIENCE_SECONDS
        while not happened():
            if child.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"{child.args!r} (exit {child.poll()}): {log.read_text()}")
            time.sleep(_STEP_SECONDS)

    def _signal_server(self, number: signal.Signals) -> None:
        assert self._server is not None, "it does not run"
        self._server.send_signal(number)

    def _end(self) -> None:
        self._end_server()
        self._kill_devices()
        if self._killed:
            # A machine has eight places for servers, and a dead one keeps its place until a server
            # of its name comes and ends by itself.
            self._start_server()
            self._end_server()
        self._sweep()

    def _end_server(self) -> None:
        """End it before its clients: told to end just after one died, it may hang."""
        if self._server is None:
            return
        self._server.send_signal(signal.SIGCONT)
        self._server.terminate()
        try:
            self._killed = self._server.wait(_GRACE_SECONDS) < 0
            self._server = None
        except subprocess.TimeoutExpired:
            self._kill_server()

    def _kill_server(self) -> None:
        assert self._server is not None, "it does not run"
        _kill(self._server)
        self._server = None
        self._killed = True

    def _kill_devices(self) -> None:
        for child in self._devices.values():
            _kill(child)
        self._devices.clear()

    def _sweep(self) -> None:
        """Remove what a killed server of this name left behind."""
        for path in self._leftovers():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def _leftovers(self) -> Iterator[Path]:
        yield from Path("/dev/shm").glob(f"jack*{self.name}*")
        yield from Path("/tmp").glob(f"jack*{self.name}*")


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """
    Let no other test on this machine start a device now.

    A client's socket bears the name of the client, not of its server: of two clients of one name
    that start at the same moment at two servers, one may fail.
    """
    with (Path(tempfile.gettempdir()) / f"rakkr-jack-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _kill(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
