"""
A private PipeWire with one source that plays a tone, for machines without sound or desktop.

WirePlumber runs without D-Bus only when the parts that need it are switched off, hence its
configuration below.  The source is ``pw-cat`` playing what ``rakkr-tone`` makes.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.integration.tone_program import tone_program

NEEDS = (
    ("pipewire", "pipewire"),
    ("pw-cat", "pipewire-bin"),
    ("pw-link", "pipewire-bin"),
    ("wireplumber", "wireplumber"),
)
"""Programs and their Debian packages, for the ``need`` fixture."""

_DAEMON = """
context.properties = {
    core.daemon = true
    core.name = pipewire-0
    support.dbus = false
    mem.allow-mlock = false
    default.clock.rate = 48000
}
context.spa-libs = {
    audio.convert.* = audioconvert/libspa-audioconvert
    support.* = support/libspa-support
}
context.modules = [
    { name = libpipewire-module-protocol-native }
    { name = libpipewire-module-metadata }
    { name = libpipewire-module-spa-node-factory }
    { name = libpipewire-module-client-node }
    { name = libpipewire-module-access }
    { name = libpipewire-module-adapter }
    { name = libpipewire-module-link-factory }
    { name = libpipewire-module-session-manager }
]
context.objects = [
    { factory = spa-node-factory
      args = {
          factory.name = support.node.driver
          node.name = Clock
          node.group = pipewire.dummy
          priority.driver = 20000
      } }
]
"""
_SESSION = """
alsa_monitor.enabled = false
v4l2_monitor.enabled = false
libcamera_monitor.enabled = false
default_access.properties["enable-flatpak-portal"] = false
"""
_PATIENCE_SECONDS = 15.0


class PipeWireServer:
    """
    The daemon, its session manager, and a source; all end with the context.

    :ivar env: to be added to the environment of its clients.
    :ivar device: for ``arecord -D``; ``target`` is its name for ``pw-record --target``.
    :ivar alsa_env: more environment, without which ALSA clients get channels mixed by position.
    """

    target = "tone"
    device = "pipewire:NODE=tone"

    def __init__(self, directory: Path, channels: int = 2, rate: int = 48000) -> None:
        self._directory = directory / "pipewire"
        self._channels = channels
        self._rate = rate
        self._children: list[subprocess.Popen[bytes]] = []
        self.env = {"PIPEWIRE_RUNTIME_DIR": str(self._directory / "run")}
        self.alsa_env = {"PIPEWIRE_ALSA": "{ stream.dont-remix=true }"}

    def __enter__(self) -> Self:
        self._configure()
        try:
            self._start(["pipewire"])
            self._wait_for((self._directory / "run" / "pipewire-0").exists)
            self._start(["wireplumber"])
            self._play()
            self._wait_for(self._has_ports)
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

    def _configure(self) -> None:
        files = {
            "config/pipewire/pipewire.conf": _DAEMON,
            "config/wireplumber/main.lua.d/51-tests.lua": _SESSION,
            "config/wireplumber/bluetooth.lua.d/51-tests.lua": "bluez_monitor.enabled = false\n",
        }
        for name, content in files.items():
            path = self._directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        (self._directory / "run").mkdir(mode=0o700)

    def _environment(self) -> dict[str, str]:
        env = {**os.environ, **self.env, "XDG_RUNTIME_DIR": str(self._directory / "run")}
        env["XDG_CONFIG_HOME"] = str(self._directory / "config")
        env["XDG_STATE_HOME"] = str(self._directory / "state")
        env.pop("DBUS_SESSION_BUS_ADDRESS", None)
        env.pop("DISPLAY", None)
        return env

    def _start(
        self, argv: Sequence[str | Path], stdin: int | None = None
    ) -> subprocess.Popen[bytes]:
        log = (self._directory / f"{Path(argv[0]).name}.log").open("ab")
        with log:
            child = subprocess.Popen(
                argv,
                env=self._environment(),
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=subprocess.PIPE if Path(argv[0]).name == "rakkr-tone" else log,
                stderr=log,
                start_new_session=True,
            )
        self._children.append(child)
        return child

    def _play(self) -> None:
        shape = ["-c", str(self._channels), "-r", str(self._rate)]
        # Flat out: pw-cat takes what it needs, when it needs it.
        tone = self._start(
            [tone_program(self._directory), "-f", "S32_LE", *shape, "-t", "raw", "--speed", "0"]
        )
        assert tone.stdout is not None
        properties = "{ node.name=tone media.class=Audio/Source priority.session=1000 }"
        positions = ",".join(f"AUX{each}" for each in range(self._channels))
        self._start(
            [
                *("pw-cat", "-p", "--target", "0", "--format", "s32"),
                *("--rate", str(self._rate), "--channels", str(self._channels)),
                *("--channel-map", positions, "-P", properties, "-"),
            ],
            stdin=tone.stdout.fileno(),
        )
        tone.stdout.close()

    def _has_ports(self) -> bool:
        found = subprocess.run(
            ["pw-link", "-o"], env=self._environment(), capture_output=True, check=False, timeout=5
        )
        return b"tone:" in found.stdout

    def _wait_for(self, happened: object) -> None:
        assert callable(happened)
        end = time.monotonic() + _PATIENCE_SECONDS
        while not happened():
            dead = [child.args for child in self._children if child.poll() is not None]
            if dead or time.monotonic() > end:
                logs = "\n".join(each.read_text() for each in self._directory.glob("*.log"))
                raise AssertionError(f"PipeWire did not start; ended: {dead}\n{logs}")
            time.sleep(0.05)

    def _end(self) -> None:
        for child in reversed(self._children):
            child.terminate()
        for child in reversed(self._children):
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(5)
            if child.poll() is None:
                child.kill()
                child.wait()
