"""Tests for ``rakkr.machine``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.heartbeat import Description
from rakkr.inventory.interface import Inventory
from rakkr.inventory_sync import Told
from rakkr.machine import InputWatch, add_system_health, make_problems
from rakkr.settings import Settings
from tests.fakes.evidence import Noted
from tests.fakes.processes import FakeReactor
from tests.fakes.world import fake_world
from tests.system.test_audio import interface


@attrs.define
class Node:
    """What looks for inputs, and describes the node."""

    known: Inventory
    trouble: str | None = None
    hold: Deferred[None] | None = None

    async def __call__(self) -> Description:
        """Describe it, when the test lets it."""
        if self.hold is not None:
            await self.hold
        summary = {"audioBackends": ["alsa"], "interfaceCount": 1}
        told = Told(summary=summary, interfaces=None)
        return Description(heartbeat=lambda _: {}, inputs=told)


class InputWatchTests(SynchronousTestCase):
    """What the heartbeat's probe finds."""

    def setUp(self) -> None:
        found = Inventory((interface("alsa"),), probe_ok=True)
        self.node = Node(found)
        self.watch = InputWatch(self.node, self.node)

    def test_waits_for_the_first(self) -> None:
        """Nothing is said of inputs before the first probe; afterwards the last one counts."""
        self.node.hold = Deferred()
        asked = Deferred.fromCoroutine(self.watch.last())
        described = Deferred.fromCoroutine(self.watch())
        self.assertNoResult(asked)
        self.node.hold.callback(None)
        self.successResultOf(described)
        found = self.successResultOf(asked)
        self.assertEqual((found.available, found.backends, found.listed), (1, ["alsa"], 1))
        self.assertIsNone(found.error)

    def test_not_yet(self) -> None:
        """While a look is not over, nobody is told that there is nothing."""
        self.node.known = Inventory((), probe_ok=False)
        asked = Deferred.fromCoroutine(self.watch.last())
        self.successResultOf(Deferred.fromCoroutine(self.watch()))
        self.assertNoResult(asked)
        self.node.known = Inventory((), probe_ok=True)
        self.successResultOf(Deferred.fromCoroutine(self.watch()))
        self.assertEqual(self.successResultOf(asked).available, 0)

    def test_failed(self) -> None:
        """A probe that failed is told with its reason, beside what is known."""
        self.node.trouble = "arecord -l failed"
        found = self.successResultOf(Deferred.fromCoroutine(self.watch.anew()))
        self.assertEqual((found.available, found.error), (1, "arecord -l failed"))


class SystemHealthTests(SynchronousTestCase):
    """The watch, as the settings have it."""

    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.loadavg = self.directory / "loadavg"
        self.loadavg.write_text("1.00 0 0")
        self.reactor = FakeReactor()
        self.noted = Noted()
        self.root = MultiService()

    def add(self, **settings: Any) -> Callable[[], str]:
        """Add it, and start."""
        given = Settings(
            agent_state_file=self.directory / "state.json",
            capture_dir=self.directory / "captures",
            system_health_disk_path=self.directory,
            system_health_loadavg_path=self.loadavg,
            **settings,
        )
        world = fake_world(self.reactor, {})
        node = Node(Inventory((interface("alsa"),), probe_ok=True))
        status = add_system_health(
            self.root,
            given,
            world,
            self.noted,
            make_problems(given, world),
            audio=InputWatch(node, node).anew,
            devices=lambda: [given.capture_device],
        )
        self.root.startService()
        return status

    def stop(self) -> None:
        """Stop; nothing is left."""
        self.root.stopService()
        for child in self.reactor.spawned:
            if not child.ended:
                child.ends(signal=9)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_load_by_affinity(self) -> None:
        """The load is shared by the processors that this process may use."""
        cores = len(os.sched_getaffinity(0))
        self.loadavg.write_text(f"{3.9 * cores:.2f} 0 0")
        status = self.add(system_health_load_warning_per_core=3.8)
        self.assertEqual(status(), "degraded")
        details = self.noted.details("agent.system.cpu_pressure")
        self.assertEqual((details["cores"], details["loadPerCore"]), (cores, 3.9))
        self.stop()

    def test_other_order(self) -> None:
        """Limits in the wrong order are taken in the right one, and that is said."""
        cores = len(os.sched_getaffinity(0))
        self.loadavg.write_text(f"{3 * cores}.00 0 0")
        with capturedLogs() as logs:
            self.add(
                system_health_load_warning_per_core=4.0, system_health_load_critical_per_core=2.0
            )
        said = [each for each in logs if "flag" in each]
        self.assertEqual(said[0]["flag"], "--system-health-load-warning-per-core")
        self.assertEqual(self.noted.events[0][1], "warning")
        self.stop()

    def test_right_order_is_not_mentioned(self) -> None:
        """Limits that are the same, or in order, are nothing to speak of."""
        with capturedLogs() as logs:
            self.add(
                system_health_disk_warning_percent=90.0, system_health_disk_critical_percent=90.0
            )
        self.assertEqual([each for each in logs if "flag" in each], [])
        self.stop()

    def test_unreadable_load(self) -> None:
        """A load that cannot be read is told with its file."""
        self.loadavg.write_bytes(b"\xff nan")
        self.add()
        error = self.noted.details("agent.system.probe_failed")["error"]
        self.assertIn(f"{self.loadavg} cannot be read: it does not begin with a number", error)
        self.stop()

    def test_switched_off(self) -> None:
        """Switched off, it looks at nothing, and the node is online."""
        self.loadavg.unlink()
        status = self.add(system_health_enabled=False)
        self.assertEqual((status(), self.noted.events, self.reactor.spawned), ("online", [], []))
        self.stop()

    def test_beside_the_state(self) -> None:
        """What is open is remembered beside the state file."""
        self.loadavg.unlink()
        self.add()
        self.assertTrue((self.directory / "open-problems.json").exists())
        self.stop()
