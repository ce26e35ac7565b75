"""The watch over the machine: probes that answer, fail and hang, each by itself."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.problems import OpenProblems
from rakkr.system.audio import AudioInputs
from rakkr.system.df import Filled
from rakkr.system.disk_probe import DiskProbe
from rakkr.system.file_system import FileSystem
from rakkr.system.levels import Bands
from rakkr.system.load import Load
from rakkr.system.question import NotKnown, Question
from rakkr.system.service import Sources, SystemHealth
from tests.fakes.evidence import Noted
from tests.fakes.processes import FakeProcess, FakeReactor
from tests.fakes.threads import FakeThreads
from tests.system.test_audio import inputs, interface

FULL, EMPTY = "agent.system.disk_pressure", "agent.system.disk_recovered"
FAILED, WORKS = "agent.system.probe_failed", "agent.system.probe_recovered"


def seen(device: int) -> FileSystem:
    """A file system that is well."""
    return FileSystem(
        place=Path(f"/disk{device}"),
        device=device,
        filled=Filled(100, 50, 50),
        read_only=False,
        inodes=1000,
        free_inodes=900,
    )


class SystemHealthTests(SynchronousTestCase):
    """A look every five seconds, at one disk for both unless a test says otherwise."""

    def setUp(self) -> None:
        self.reactor = FakeReactor()
        self.noted = Noted()
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.looks: dict[str, FileSystem] = {"/data": seen(1), "/captures": seen(1)}
        self.threads = {name: FakeThreads() for name in self.looks}
        self.load: Any = Load(0.5, 2)
        self.audio: Any = inputs(interface("alsa"))
        self.asked = 0

    def disk(self, name: str) -> DiskProbe:
        """A probe of a disk whose looks are the test's."""
        probe = DiskProbe(
            Path(name),
            command="df",
            spawner=self.reactor,
            clock=self.reactor,
            in_thread=self.threads[name],
            environ={},
            proc=self.directory,
        )
        probe.look = Question(
            self.reactor, self.threads[name], lambda: self.looks[name], about=name, seconds=5.0
        )
        return probe

    def begin(self) -> SystemHealth:
        """Start an agent; what an earlier one left in the directory is known to it."""

        async def load() -> Load:
            return await self.of(self.load)

        async def audio() -> AudioInputs:
            return await self.of(self.audio)

        service = SystemHealth(
            self.reactor,
            Sources(
                disk=self.disk("/data"),
                captures=self.disk("/captures"),
                load=load,
                audio=audio,
                devices=lambda: ["hw:5"],
            ),
            self.noted,
            OpenProblems(self.directory / "open.json", FakeThreads(), self.reactor, "node"),
            node_id="node",
            disk=Bands.ordered(85.0, 95.0, 2.0),
            load=Bands.ordered(2.0, 4.0),
            seconds=5.0,
        )
        service.startService()
        return service

    async def of(self, what: Any) -> Any:
        """What a source says: a value, an error, or nothing for now."""
        self.asked += 1
        if isinstance(what, Exception):
            raise what
        return await what if isinstance(what, Deferred) else what

    def end(self, service: SystemHealth) -> None:
        """Stop it; nothing is left, once the children that it killed are gone."""
        stopped = service.stopService()
        for child in self.running():
            self.assertEqual(child.signals[-1], "KILL")
            child.ends(signal=9)
        self.successResultOf(stopped)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def running(self) -> list[FakeProcess]:
        """The df that were started and have not ended."""
        return [child for child in self.reactor.spawned if not child.ended]

    def df(self, *percents: int) -> None:
        """Let the df that run say this, in the order in which they were started."""
        running = self.running()
        self.assertEqual(len(running), len(percents))
        for child, percent in zip(running, percents, strict=True):
            child.says(f"/dev/a 100 {percent} {100 - percent} {percent}% /\n".encode())
            child.ends()

    def later(self, *percents: int) -> None:
        """Let the next look come."""
        self.reactor.advance(5)
        self.df(*percents)

    def told(self) -> list[tuple[str, str]]:
        """Types and severities."""
        return [(type_, severity) for type_, severity, _, _ in self.noted.events]

    def test_well(self) -> None:
        """A machine that is well says nothing, and is online."""
        service = self.begin()
        self.df(10)
        self.later(84)
        self.assertEqual((self.told(), service.status), ([], "online"))
        self.end(service)

    def test_disk(self) -> None:
        """A disk that fills up and is emptied is told at each step, and not in between."""
        service = self.begin()
        statuses = []
        for percent in (85, 86, 95, 93, 92, 83, 82):
            self.df(percent)
            statuses.append(service.status)
            self.reactor.advance(5)
        self.df(50)
        self.assertEqual(
            self.told(),
            [(FULL, "warning"), (FULL, "critical"), (FULL, "warning"), (EMPTY, "info")],
        )
        self.assertEqual(
            statuses, ["degraded"] * 2 + ["alerting"] * 2 + ["degraded"] * 2 + ["online"]
        )
        self.assertEqual(
            self.noted.events[0][2],
            {
                "criticalPercent": 95.0,
                "nodeId": "node",
                "path": "/data",
                "usedPercent": 85,
                "warningPercent": 85.0,
            },
        )
        self.end(service)

    def test_two_disks(self) -> None:
        """Another disk for captures is watched as well, and told of by its own path."""
        self.looks["/captures"] = seen(2)
        service = self.begin()
        self.df(10, 90)
        self.assertEqual(self.noted.details(FULL)["path"], "/captures")
        self.later(90, 10)
        self.assertEqual([e[0] for e in self.noted.events], [FULL, FULL, EMPTY])
        self.end(service)

    def test_disk_that_is_gone(self) -> None:
        """When the captures' disk is unmounted while it was full, that is not open for ever."""
        self.looks["/captures"] = seen(2)
        service = self.begin()
        self.df(10, 90)
        self.looks["/captures"] = seen(1)
        self.later(10, 10)
        self.assertEqual(self.noted.types(), [FULL, EMPTY])
        self.later(10)
        self.end(service)

    def test_inodes(self) -> None:
        """A disk on which no file can be made is full as well."""
        self.looks["/captures"] = attrs.evolve(seen(1), free_inodes=30)
        service = self.begin()
        self.df(10)
        self.looks["/captures"] = seen(1)
        self.later(10)
        self.assertEqual(
            self.told(),
            [("agent.system.inode_pressure", "critical"), ("agent.system.inode_recovered", "info")],
        )
        details = self.noted.details("agent.system.inode_pressure")
        self.assertEqual(
            [details[key] for key in ("usedPercent", "freeInodes", "totalInodes", "path")],
            [97, 30, 1000, "/captures"],
        )
        self.end(service)

    def test_read_only(self) -> None:
        """A disk that the kernel made read-only, as it does after errors, is critical."""
        self.looks["/captures"] = attrs.evolve(seen(1), read_only=True)
        service = self.begin()
        self.df(10)
        self.assertEqual(service.status, "alerting")
        self.looks["/captures"] = seen(1)
        self.later(10)
        self.assertEqual(
            self.told(),
            [("agent.system.disk_read_only", "critical"), ("agent.system.disk_writable", "info")],
        )
        self.end(service)

    def test_load(self) -> None:
        """The load counts by processor."""
        service = self.begin()
        self.df(10)
        self.load = Load(12.54, 4)
        self.later(10)
        self.load = Load(0.0, 4)
        self.later(10)
        self.assertEqual(
            self.told(),
            [("agent.system.cpu_pressure", "warning"), ("agent.system.cpu_recovered", "info")],
        )
        self.assertEqual(
            self.noted.details("agent.system.cpu_pressure"),
            {
                "cores": 4.0,
                "criticalLoadPerCore": 4.0,
                "loadAverageOneMinute": 12.5,
                "loadPerCore": 3.1,
                "nodeId": "node",
                "warningLoadPerCore": 2.0,
            },
        )
        self.end(service)

    def test_audio(self) -> None:
        """No input is a warning; a first one is its end."""
        self.audio = inputs()
        service = self.begin()
        self.df(10)
        self.audio = inputs(interface("pipewire"))
        self.later(10)
        self.assertEqual(
            self.told(),
            [
                ("agent.audio_backend.unavailable", "warning"),
                ("agent.audio_backend.recovered", "info"),
            ],
        )
        details = self.noted.details("agent.audio_backend.unavailable")
        self.assertEqual((details["nodeId"], details["missingDevices"]), ("node", ["hw:5"]))
        self.end(service)

    def test_audio_unknown(self) -> None:
        """Inputs that cannot be looked for stay as they were; where there were none, none are."""
        why = "arecord -l failed"
        self.audio = attrs.evolve(inputs(interface("alsa")), error=why)
        service = self.begin()
        self.df(10)
        self.assertEqual(self.noted.types(), [FAILED])
        self.assertEqual(self.noted.details(FAILED)["error"], why)
        self.audio = attrs.evolve(inputs(), error=why)
        self.later(10)
        self.assertEqual(self.noted.types()[1:], ["agent.audio_backend.unavailable"])
        self.end(service)

    def test_probe_failed(self) -> None:
        """A probe that cannot be carried out is told once, with its count when it can again."""
        self.load = NotKnown("/proc/loadavg cannot be read: no")
        service = self.begin()
        self.df(10)
        self.later(10)
        self.assertEqual(service.status, "degraded")
        self.load = Load(0.0, 1)
        self.later(10)
        self.assertEqual(service.status, "online")
        common = {"nodeId": "node", "probe": "load"}
        self.assertEqual(
            [(type_, severity, details) for type_, severity, details, _ in self.noted.events],
            [
                (
                    FAILED,
                    "warning",
                    {**common, "error": "/proc/loadavg cannot be read: no", "failureCount": 1},
                ),
                (WORKS, "info", {**common, "error": None, "failureCount": 2}),
            ],
        )
        self.end(service)

    def test_failed_probe_keeps(self) -> None:
        """While df fails, a full disk stays full."""
        service = self.begin()
        self.df(90)
        self.reactor.advance(5)
        self.reactor.last.ends(1)
        self.assertEqual(self.noted.types(), [FULL, FAILED])
        self.later(90)
        self.later(10)
        self.assertEqual(self.noted.types(), [FULL, FAILED, WORKS, EMPTY])
        self.end(service)

    def test_df_hangs(self) -> None:
        """A df that hangs holds up no other probe, and is never started twice at once."""
        service = self.begin()
        self.load = Load(50.0, 1)
        self.reactor.pump([1.0] * 9)
        self.assertEqual(len(self.running()), 1)
        self.assertEqual(self.noted.types(), ["agent.system.cpu_pressure"])
        self.reactor.advance(1)
        self.reactor.last.ends(signal=15)
        self.assertIn("did not answer within 10 s", self.noted.details(FAILED)["error"])
        self.end(service)

    def test_disk_hangs(self) -> None:
        """A dead network disk is not asked by df at all; the captures' own disk is watched on."""
        self.threads["/data"].held = []
        service = self.begin()
        self.reactor.pump([1.0] * 5)
        self.df(90)
        self.assertEqual(self.noted.types().count(FULL), 1)
        self.assertEqual(self.noted.details(FULL)["path"], "/captures")
        self.assertEqual(self.noted.details(FAILED)["probe"], "disk")
        held: list[Callable[[], None]] = self.threads["/data"].held
        self.assertEqual(len(held), 1)
        self.reactor.pump([1.0] * 7)
        self.assertEqual(len(held), 1)
        self.end(service)

    def test_over_a_restart(self) -> None:
        """What the next agent finds as it was is not told again, what is over is told as over."""
        self.load = NotKnown("gone")
        self.audio = inputs()
        service = self.begin()
        self.df(96)
        self.end(service)
        before = self.noted.types()
        self.assertEqual(len(before), 3)
        service = self.begin()
        self.assertEqual(service.status, "alerting", "it is known before the first answer")
        self.df(94)
        self.assertEqual(self.noted.types(), before)
        self.end(service)
        self.load, self.audio = Load(0.0, 1), inputs(interface("jack"))
        service = self.begin()
        self.df(10)
        self.assertEqual(
            sorted(self.noted.types()[3:]), ["agent.audio_backend.recovered", EMPTY, WORKS]
        )
        self.assertEqual(service.status, "online")
        self.end(service)

    def test_defect(self) -> None:
        """A defect of ours in one probe ends neither it nor the others."""
        self.load = ZeroDivisionError("oops")
        service = self.begin()
        self.df(90)
        self.later(90)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)
        self.assertEqual(self.noted.types(), [FULL])
        self.end(service)

    def test_waits_for_the_first_inputs(self) -> None:
        """Before anybody looked for inputs, nothing is said of them; a stop waits for nothing."""
        self.audio = Deferred()
        service = self.begin()
        self.df(10)
        self.assertEqual(self.told(), [])
        self.end(service)
