"""
A private PipeWire with sources that play known sound, for machines without sound or desktop.

WirePlumber runs without D-Bus only when the parts that need it are switched off, hence its
configuration below, in Lua for 0.4 and as a profile since 0.5.  A source is ``pw-cat`` playing what
``rakkr-tone`` makes; ending it is pulling the plug.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
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
    default.clock.quantum = 4096
    default.clock.min-quantum = 4096
    default.clock.max-quantum = 4096
}
context.spa-libs = {
    audio.convert.* = audioconvert/libspa-audioconvert
    support.* = support/libspa-support
}
context.modules = [
    { name = libpipewire-module-rt flags = [ ifexists nofail ] }
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
_PROFILE = """
wireplumber.profiles = {
    main = {
        inherits = [ base, mixin.systemwide-session, mixin.stateless ]
        hardware.audio = disabled
        hardware.bluetooth = disabled
        hardware.video-capture = disabled
        support.dbus = disabled
    }
}
"""
_PATIENCE_SECONDS = 15.0
_FORMATS = {"S16_LE": "s16", "S32_LE": "s32", "FLOAT_LE": "f32"}
"""Those that mean the same in all versions; s24 does not."""


class PipeWireServer:
    """
    The daemon, its session manager, and its sources; all end with the context.

    There is one source from the beginning, and it is the default one.

    :ivar env: to be added to the environment of its clients.
    :ivar target: the name of the first source.
    """

    target = "tone"

    def __init__(self, directory: Path, channels: int = 2, rate: int = 48000) -> None:
        self._directory = directory / "pipewire"
        self._channels = channels
        self._rate = rate
        self._daemons: list[subprocess.Popen[bytes]] = []
        self._sources: dict[str, list[subprocess.Popen[bytes]]] = {}
        self.env = {"PIPEWIRE_RUNTIME_DIR": str(self._directory / "run")}

    def __enter__(self) -> Self:
        self._configure()
        try:
            self.start()
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

    def start(self) -> None:
        """Start the server with its first source, after :meth:`crash` too."""
        self._daemons.append(self._start(["pipewire"]))
        self._wait_for((self._directory / "run" / "pipewire-0").exists)
        self._daemons.append(self._start(["wireplumber"]))
        self.plug(self.target, self._channels)

    def plug(
        self, name: str, channels: int, sample: str = "S32_LE", *, numbered: bool = False
    ) -> None:
        """
        Have one source more.

        :param sample: the format of the samples that it has.
        :param numbered: whether its frames carry their numbers; else each channel has a tone.
        """
        shape = ["-f", sample, "-c", str(channels), "-r", str(self._rate)]
        sound = "numbered" if numbered else "tone"
        # Flat out: pw-cat takes what it needs, when it needs it.
        tone = self._start(
            [tone_program(self._directory), "-D", sound, *shape, "-t", "raw", "--speed", "0"],
            stdout=subprocess.PIPE,
        )
        assert tone.stdout is not None
        importance = 2000 if name == self.target else 1000
        properties = (
            f"{{ node.name={name} media.class=Audio/Source priority.session={importance} }}"
        )
        positions = ",".join(f"AUX{each}" for each in range(channels))
        player = self._start(
            [
                *("pw-cat", "-p", *self._raw(), "--target", "0", "--format", _FORMATS[sample]),
                *("--rate", str(self._rate), "--channels", str(channels)),
                *("--channel-map", positions, "-P", properties, "-"),
            ],
            stdin=tone.stdout.fileno(),
        )
        tone.stdout.close()
        self._sources[name] = [player, tone]
        self._wait_for(lambda: self._has_ports(name))

    def unplug(self, name: str) -> None:
        """Take a source away."""
        for child in self._sources.pop(name):
            child.kill()
            child.wait()
        self._wait_for(lambda: not self._has_ports(name))

    def crash(self) -> None:
        """Kill the server; what was connected to it ends, or does not."""
        self._daemons[0].kill()
        self._end()
        (self._directory / "run" / "pipewire-0").unlink(missing_ok=True)
        (self._directory / "run" / "pipewire-0.lock").unlink(missing_ok=True)

    def freeze(self) -> None:
        """Let the server stand still."""
        self._daemons[0].send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._daemons[0].send_signal(signal.SIGCONT)

    def _configure(self) -> None:
        files = {
            "config/pipewire/pipewire.conf": _DAEMON,
            "config/wireplumber/main.lua.d/51-tests.lua": _SESSION,
            "config/wireplumber/wireplumber.conf.d/51-tests.conf": _PROFILE,
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
        self, argv: Sequence[str | Path], stdin: int | None = None, stdout: int | None = None
    ) -> subprocess.Popen[bytes]:
        with (self._directory / f"{Path(argv[0]).name}.log").open("ab") as log:
            return subprocess.Popen(
                argv,
                env=self._environment(),
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=log if stdout is None else stdout,
                stderr=log,
                start_new_session=True,
            )

    def _raw(self) -> tuple[str, ...]:
        """Since 1.4 the samples on stdin need a container, unless this is said."""
        told = subprocess.run(["pw-cat", "--help"], capture_output=True, check=False, timeout=5)
        return ("--raw",) if b"--raw" in told.stdout + told.stderr else ()

    def _has_ports(self, name: str) -> bool:
        found = subprocess.run(
            ["pw-link", "-o"], env=self._environment(), capture_output=True, check=False, timeout=5
        )
        return f"{name}:".encode() in found.stdout

    def _wait_for(self, happened: Callable[[], bool]) -> None:
        end = time.monotonic() + _PATIENCE_SECONDS
        while not happened():
            players = [children[0] for children in self._sources.values()]
            dead = [each.args for each in (*self._daemons, *players) if each.poll() is not None]
            if dead or time.monotonic() > end:
                logs = "\n".join(each.read_text() for each in self._directory.glob("*.log"))
                raise AssertionError(f"PipeWire is not as it should be; ended: {dead}\n{logs}")
            time.sleep(0.05)

    def _end(self) -> None:
        players = [child for children in self._sources.values() for child in children]
        children = [*players, *reversed(self._daemons)]
        for child in children:
            child.send_signal(signal.SIGCONT)
            child.terminate()
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(5)
            if child.poll() is None:
                child.kill()
                child.wait()
        self._daemons.clear()
        self._sources.clear()
