"""What a node says of itself before it has looked for inputs."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.describer import Describer, make_probe, make_survey
from rakkr.inventory.host import Machine
from rakkr.settings import Settings
from tests.fakes.processes import FakeReactor
from tests.fakes.world import fake_world
from tests.inventory.test_host import Names, Nic


class DescriberTests(SynchronousTestCase):
    def test_first_heartbeat(self) -> None:
        """It has the machine's facts already: a controller overwrites what it had by them."""
        root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (root / "etc").mkdir()
        (root / "etc/os-release").write_text("PRETTY_NAME=Raspbian\n")
        world = fake_world(FakeReactor(), {"PATH": str(root)})
        settings = attrs.evolve(Settings(), agent_state_file=root / "state.json")
        probe = make_probe(settings, world)
        probe.machine = Machine(
            uname=lambda: Names("Linux", "pi", "6.1", "#1", "armv7l"),
            addresses=lambda: {"eth0": [Nic(socket.AF_INET, "192.0.2.7")]},
            pointer_bits=32,
            root=root,
        )
        subject = Describer(settings, world, probe, make_survey(world, probe)).unprobed()
        body = subject.heartbeat("online")
        self.assertEqual(body["ipAddresses"], ["192.0.2.7"])
        self.assertEqual(body["runtime"]["architecture"], "arm")
        self.assertEqual(body["runtime"]["osName"], "Raspbian")
        self.assertIsNone(subject.inputs.interfaces, "nobody knows yet which there are")
