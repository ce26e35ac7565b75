"""Tests for ``rakkr.meter_once``."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.host import Machine
from rakkr.inventory.interface import FALLBACK
from rakkr.inventory.probe import InventoryProbe
from rakkr.inventory.survey import Survey
from rakkr.meter_once import LIMIT_SECONDS, NoSamples, one_frame
from rakkr.settings import Settings
from rakkr.workshop import servers_of
from tests.fakes.processes import FakeReactor
from tests.fakes.world import fake_world
from tests.inventory.test_pipewire_inputs import node
from tests.inventory.test_probe import FakePool, FakeThreads
from tests.meters.making import pcm

LISTED = b"card 2: XUSB [X-USB], device 0: USB Audio [USB Audio]\n"


class OnceTests(SynchronousTestCase):
    """Two seconds of stereo at 8000 Hz are wished."""

    def setUp(self) -> None:
        root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.reactor, self.bin = FakeReactor(), root
        self.world = fake_world(self.reactor, {"PATH": str(root)})
        self.probe = InventoryProbe(
            spawner=self.reactor,
            clock=self.reactor,
            threads=FakeThreads(),
            pool=FakePool(),
            environ={},
            machine=Machine(
                uname=os.uname,
                addresses=dict,
                pointer_bits=64,
                root=root,
            ),
            arecord_command="arecord",
            pcm_list=root / "pcm",
            sound=root / "sound",
        )
        self.survey = Survey(self.reactor, self.probe.probe, servers_of(self.world))

    def tearDown(self) -> None:
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def begin(
        self, *, probed: bool = True, device: str = "hw:2,0", **changes: Any
    ) -> Deferred[dict[str, Any]]:
        """Begin to measure."""
        settings = attrs.evolve(
            Settings(),
            capture_device=device,
            capture_sample_rate=8000,
            meter_sample_seconds=2,
            node_id="node_1",
            **changes,
        )
        result = Deferred.fromCoroutine(one_frame(settings, self.world, self.survey))
        if probed:
            self.reactor.last.says(LISTED)
            self.reactor.last.ends()
        return result

    def end(self) -> None:
        """Let the program end that was asked to."""
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.reactor.last.ends(1)

    def test_a_frame(self) -> None:
        """One frame of as much as is wished, when the program is gone; never of less."""
        result = self.begin()
        self.reactor.last.says(pcm(1.99, 0.5))
        self.reactor.advance(0.1)
        self.assertEqual(self.reactor.last.signals, [])
        self.reactor.last.says(pcm(0.01, 0.5))
        self.reactor.advance(0.1)
        self.assertNoResult(result)
        self.end()
        frame = self.successResultOf(result)
        self.assertEqual(frame["interfaceId"], "alsa_card_xusb_dev_0")
        self.assertEqual([each["peakDbfs"] for each in frame["levels"]], [-6.0, -6.0])
        self.assertEqual(frame["nodeId"], "node_1")

    def test_a_program_that_ends_behind_it(self) -> None:
        """A program that gave enough and ended is no failure."""
        result = self.begin()
        self.reactor.last.says(pcm(2.0, 0.5))
        self.reactor.last.ends(0)
        self.reactor.advance(0.1)
        self.assertIn("levels", self.successResultOf(result))

    def test_a_program_that_ends_before(self) -> None:
        """Why there are no levels is what the program said, and nothing is invented."""
        result = self.begin()
        self.reactor.last.says(pcm(1.0, 0.5))
        self.reactor.last.says(b"arecord: audio open error: Device or resource busy\n", 2)
        self.reactor.last.ends(1)
        self.reactor.advance(0.1)
        reason = self.failureResultOf(result, NoSamples).getErrorMessage()
        self.assertIn("exit code 1", reason)
        self.assertIn("Device or resource busy", reason)

    def test_silence(self) -> None:
        """A program that gives nothing is ended after ten seconds."""
        result = self.begin()
        for _ in range(110):
            self.reactor.advance(0.1)
        self.end()
        self.reactor.advance(0.1)
        reason = self.failureResultOf(result, NoSamples).getErrorMessage()
        self.assertIn("gave no samples for 10 s", reason)

    def test_a_trickle(self) -> None:
        """It ends, with a reason, though a program gives a little for ever."""
        result = self.begin()
        for _ in range(round((LIMIT_SECONDS + 2) * 10) - 1):
            self.reactor.last.says(bytes(4))
            self.reactor.advance(0.1)
        self.assertEqual(self.reactor.last.signals, [])
        self.reactor.advance(0.2)
        self.assertNoResult(result)
        self.end()
        reason = self.failureResultOf(result, NoSamples).getErrorMessage()
        self.assertEqual(reason, "hw:2,0 gave no 2 s of samples within 32 s")

    def test_a_program_that_cannot_be_killed(self) -> None:
        """Nobody waits for it."""
        result = self.begin()
        for _ in range(200):
            self.reactor.advance(0.1)
        self.failureResultOf(result, NoSamples)

    def test_an_inventory_that_hangs(self) -> None:
        """An inventory that cannot be had costs the name, and not the levels."""
        result = self.begin(probed=False)
        hanging = self.reactor.last
        for _ in range(30):
            self.reactor.advance(0.1)
        self.assertEqual(self.reactor.last.argv[:2], ["arecord", "-D"])
        self.reactor.last.says(pcm(2.0, 0.5))
        self.reactor.advance(0.1)
        self.end()
        self.assertEqual(self.successResultOf(result)["interfaceId"], FALLBACK.id)
        self.assertEqual(hanging.signals, ["KILL"])
        hanging.ends(None, 9)

    def test_a_source_of_a_server(self) -> None:
        """A source of PipeWire has its own name, and all of its channels are measured."""
        (self.bin / "pw-dump").touch(0o755)
        result = self.begin(
            probed=False, device="mic", capture_backend="pipewire", meter_args_template="{device}"
        )
        arecord, dump = self.reactor.spawned
        arecord.ends()
        dump.says(json.dumps(node(1, "mic", ports=1)).encode())
        dump.ends()
        self.assertEqual(self.reactor.last.argv, ["pw-record", "mic"])
        self.reactor.last.says(pcm(1.0, 0.5))  # of two channels, so two seconds of one
        self.reactor.advance(0.1)
        self.end()
        frame = self.successResultOf(result)
        self.assertEqual((frame["interfaceId"], len(frame["levels"])), ("pipewire_mic", 1))

    def test_synthetic(self) -> None:
        """Whoever chose invention gets it at once, under its own name."""
        frame = self.successResultOf(self.begin(probed=False, meter_backend="synthetic"))
        self.assertEqual(frame["interfaceId"], "iface_synthetic")
        self.assertEqual(self.reactor.spawned, [])
