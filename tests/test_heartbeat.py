"""Tests for ``rakkr.heartbeat``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from rakkr.clock import WallTime
from rakkr.controller.errors import Unreachable
from rakkr.controller.messages import Interface, Node
from rakkr.health.problems import OpenProblems
from rakkr.heartbeat import Description, HeartbeatService
from rakkr.inventory.theirs import Directory
from rakkr.inventory_sync import Told
from rakkr.live import LiveSettings
from rakkr.settings import Settings
from tests.fakes.controller import FakeController
from tests.fakes.evidence import SUMMARY, Noted
from tests.fakes.threads import FakeThreads
from tests.test_live import config

KNOWN = Interface(
    id="uuid-1", backend="alsa", channel_count=2, system_name="X", system_ref="hw:0,0"
)


def node(*interfaces: Interface) -> Node:
    """What a controller answers."""
    return Node(id="node_local_dev", status="online", interfaces=interfaces)


def named(name: str) -> dict[str, Any]:
    """An input as it is told."""
    return {"systemName": name, "channelCount": 2, "channels": []}


def described(*interfaces: dict[str, Any]) -> Description:
    """What the machine says of itself."""
    return Description(
        heartbeat=lambda status: {"hostname": "h", "status": status},
        inputs=Told(summary=SUMMARY, interfaces=list(interfaces) or None),
    )


class HeartbeatTests(SynchronousTestCase):
    """Liveness, every five seconds here."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.noted = Noted()
        self.wall = WallTime(lambda: 0.0)
        self.live = LiveSettings(Settings())
        self.status = "online"
        self.description: Any = described()
        self.directory = Directory()
        self.controller = FakeController(
            heartbeat=[node()], node_config=[config(1)], post_inventory=[node(KNOWN)]
        )
        self.service = self.make()

    def make(self, problems: OpenProblems | None = None) -> HeartbeatService:
        """A service of an agent that starts now."""
        return HeartbeatService(
            self.clock,
            self.wall,
            self.controller,
            self.noted,
            self.live,
            describe=self.describe,
            first=described(),
            status=lambda: self.status,
            seconds=5.0,
            directory=self.directory,
            problems=problems,
        )

    async def describe(self) -> Description:
        """Probe the machine."""
        if isinstance(self.description, Deferred):
            return await self.description
        return self.description

    def start(self) -> None:
        """Start; stopped at the end of the test, with nothing left."""
        self.service.startService()
        self.addCleanup(self.stop)

    def stop(self) -> None:
        self.successResultOf(self.service.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def beats(self) -> int:
        """How many heartbeats were sent."""
        return len(self.controller.named("heartbeat"))

    def test_at_once_and_then_regularly(self) -> None:
        """The first beat comes at once, the next ones at the interval."""
        self.start()
        self.assertEqual(self.beats(), 1)
        self.clock.pump([1.0] * 4)
        self.assertEqual(self.beats(), 1)
        self.clock.advance(1)
        self.assertEqual(self.beats(), 2)

    def test_waits_for_nothing(self) -> None:
        """Neither a probe nor a config nor an inventory that hangs holds up a beat."""
        self.description = Deferred()
        self.controller.answers["node_config"] = [Deferred()]
        self.start()
        self.clock.pump([1.0] * 20)
        self.assertEqual(self.beats(), 5)

    def test_status(self) -> None:
        """Each beat says what the node does at that moment."""
        self.start()
        self.status = "recording"
        self.clock.advance(5)
        self.assertEqual(
            [call[1]["status"] for call in self.controller.named("heartbeat")],
            ["online", "recording"],
        )

    def test_outage(self) -> None:
        """A run of failures is one event, its end another."""
        self.controller.answers["heartbeat"] = [Unreachable("refused")] * 3 + [node()]
        self.start()
        self.clock.pump([5.0] * 4)
        self.assertEqual(
            self.noted.types(),
            ["agent.node_heartbeat.sync_failed", "agent.node_heartbeat.sync_recovered"],
        )
        self.assertEqual(self.noted.events[0][2]["hostname"], "h")
        self.assertIn("refused", self.noted.events[0][2]["error"])

    def test_learns_interfaces(self) -> None:
        """The controller's ids of the interfaces are taken from its answers."""
        self.controller.answers["heartbeat"] = [node(KNOWN)]
        self.start()
        self.assertEqual(self.directory.interfaces, (KNOWN,))

    def test_skew(self) -> None:
        """Beyond 5 s the clock is reported, and well again only at 2 s."""
        self.start()
        for skew in (5.9, 6.0, 40.0, 3.0, -2.9, -6.5):
            self.wall.skew_seconds = skew
            self.clock.advance(5)
        self.assertEqual(
            [(name, facts["skewSeconds"]) for name, _, facts, _ in self.noted.events],
            [
                ("agent.system.clock_skew", 6),
                ("agent.system.clock_skew_recovered", -2),
                ("agent.system.clock_skew", -6),
            ],
        )

    def test_skew_at_the_limits(self) -> None:
        """Five whole seconds are no alarm, and three are not well again."""
        self.start()
        for skew in (5.9, -5.9):
            self.wall.skew_seconds = skew
            self.clock.advance(5)
        self.assertEqual(self.noted.types(), [])
        for skew in (-6.0, 3.0, -3.0, 2.99):
            self.wall.skew_seconds = skew
            self.clock.advance(5)
        self.assertEqual(
            self.noted.types(), ["agent.system.clock_skew", "agent.system.clock_skew_recovered"]
        )

    def test_over_a_restart(self) -> None:
        """What an earlier agent reported is not reported again, and its end is."""
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.controller.answers["heartbeat"] = [node(), Unreachable("refused")]
        for _ in range(2):
            problems = OpenProblems(directory / "open.json", FakeThreads(), self.clock, "node")
            self.service = self.make(problems)
            self.wall.skew_seconds = 60.0
            self.service.startService()
            self.clock.pump([5.0] * 2)
            self.stop()
        told = ["agent.system.clock_skew", "agent.node_heartbeat.sync_failed"]
        self.assertEqual(sorted(self.noted.types()), sorted(told))
        self.controller.answers["heartbeat"] = [node()]
        self.wall.skew_seconds = 0.0
        self.service = self.make(
            OpenProblems(directory / "open.json", FakeThreads(), self.clock, "node")
        )
        self.start()
        recovered = ["agent.system.clock_skew_recovered", "agent.node_heartbeat.sync_recovered"]
        self.assertEqual(sorted(self.noted.types()[2:]), sorted(recovered))

    def test_config(self) -> None:
        """What the operator sets holds from the next look on, and can be taken back."""
        self.start()
        self.assertEqual(self.live.capacity, 1)
        self.controller.answers["node_config"] = [config(4, capture_device="hw:7")]
        self.clock.advance(5)
        self.assertEqual((self.live.capacity, self.live.current.capture_device), (4, "hw:7"))
        self.controller.answers["node_config"] = [config(1)]
        self.clock.advance(5)
        self.assertEqual(self.live.current, self.live.base)

    def test_config_outage(self) -> None:
        """A config that cannot be read changes nothing, and is reported at its edges."""
        self.controller.answers["node_config"] = [config(4), Unreachable("reset"), config(4)]
        self.start()
        self.clock.advance(5)
        self.assertEqual(self.live.capacity, 4)
        self.clock.advance(5)
        self.assertEqual(
            self.noted.types(),
            ["agent.node_config.sync_failed", "agent.node_config.sync_recovered"],
        )
        self.assertIsNone(self.noted.events[0][2]["maxConcurrentRecordings"])
        self.assertEqual(self.noted.events[1][2]["maxConcurrentRecordings"], 4)

    def test_inventory_until_taken(self) -> None:
        """The inventory is posted until it is accepted, and its answer is learned."""
        self.description = described(named("X"))
        self.controller.answers["post_inventory"] = [Unreachable("refused"), node(KNOWN)]
        self.controller.answers["heartbeat"] = [Unreachable("refused")]
        self.start()
        self.clock.pump([5.0] * 4)
        self.assertEqual(len(self.controller.named("post_inventory")), 2)
        self.assertEqual(self.directory.interfaces, (KNOWN,))
        prefix = "agent.node_inventory.sync_"
        told = [type_ for type_ in self.noted.types() if type_.startswith(prefix)]
        self.assertEqual(told, [f"{prefix}failed", f"{prefix}recovered"])
        recovered = self.noted.details(f"{prefix}recovered")
        self.assertEqual(recovered, {**SUMMARY, "error": None, "failureCount": 1})

    def test_inventory_on_change(self) -> None:
        """An inventory is posted again when it is another one, and only then."""
        self.description = described(named("X"))
        self.start()
        self.clock.pump([5.0] * 2)
        self.description = described(named("X"), named("Y"))
        self.clock.pump([5.0] * 2)
        posted = [len(call[1]) for call in self.controller.named("post_inventory")]
        self.assertEqual(posted, [1, 2])

    def test_unreadable_settings(self) -> None:
        """What the operator set and this agent cannot read is told, not passed over."""
        self.controller.answers["node_config"] = [
            Unreachable("reset"),
            attrs.evolve(config(2), problems=("captureChannels must be >= 1: 0",)),
        ]
        self.start()
        self.clock.advance(5)
        self.assertEqual(self.live.capacity, 2)
        self.assertIn("captureChannels", self.noted.events[-1][2]["error"])

    def test_no_inventory_without_inputs(self) -> None:
        """A probe that found nothing is not posted: it would mark every interface absent."""
        self.start()
        self.clock.pump([5.0] * 3)
        self.assertEqual(self.controller.named("post_inventory"), [])
