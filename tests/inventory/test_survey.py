"""All sound systems are asked at once, and none that hangs or fails makes inputs go away."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.interface import AudioInterface, Inventory
from rakkr.inventory.servers import SoundServers
from rakkr.inventory.survey import HOPE_SECONDS, PATIENCE_SECONDS, Survey
from tests.fakes.processes import FakeProcess, FakeReactor
from tests.fakes.threads import FakeThreads
from tests.inventory.test_jack import REAL
from tests.inventory.test_pipewire_inputs import node

CARD = AudioInterface(id="alsa_card_x_dev_0", backend="alsa", system_name="X")
NO_PIPEWIRE = b"can't connect: Host is down\n"
NO_JACK = b"JACK server not running?\n"


class SurveyTests(SynchronousTestCase):
    """A machine with a card, and with programs that a test leads."""

    def setUp(self) -> None:
        self.reactor = FakeReactor()
        self.bin = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name in ("pw-dump", "jack_lsp"):
            (self.bin / name).touch(0o755)
        servers = SoundServers(self.reactor, self.reactor, FakeThreads(), {"PATH": str(self.bin)})
        self.alsa: Any = Inventory((CARD,), probe_ok=True)
        self.subject = Survey(self.reactor, self.ask_alsa, servers)

    def tearDown(self) -> None:
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    async def ask_alsa(self) -> Inventory:
        """ALSA as a test wishes it."""
        found = await self.alsa if isinstance(self.alsa, Deferred) else self.alsa
        assert isinstance(found, Inventory)
        return found

    def look(self) -> Deferred[Inventory]:
        """Begin to look."""
        return Deferred.fromCoroutine(self.subject.look())

    def running(self, program: str) -> FakeProcess:
        """The program that runs now."""
        (found,) = (
            each for each in self.reactor.spawned if each.argv[0] == program and not each.ended
        )
        return found

    def answer(self, pipewire: bytes | None = None, jack: bytes | None = None) -> None:
        """Let both servers answer; None: there is no such server."""
        dump, lsp = self.running("pw-dump"), self.running("jack_lsp")
        dump.says(NO_PIPEWIRE if pipewire is None else pipewire, 2 if pipewire is None else 1)
        dump.ends(255 if pipewire is None else 0)
        lsp.says(NO_JACK if jack is None else jack, 2 if jack is None else 1)
        lsp.ends(1 if jack is None else 0)
        if jack is not None:
            self.running("jack_samplerate").says(b"44100\n")
            self.running("jack_samplerate").ends()

    def found(self, looking: Deferred[Inventory]) -> Inventory:
        """The answer."""
        return self.successResultOf(looking)

    def names(self, looking: Deferred[Inventory]) -> list[str]:
        """The names of the inputs."""
        return [each.system_name for each in self.found(looking).interfaces]

    def hang(self) -> None:
        """Let the programs that still run be ended by their limits."""
        for each in self.reactor.spawned:
            if not each.ended:
                each.ends(None, 9)

    def test_everything(self) -> None:
        """Inputs of all systems are one list, and the servers that answer are known."""
        looking = self.look()
        self.assertNoResult(looking)
        self.assertEqual({each.argv[0] for each in self.reactor.spawned}, {"pw-dump", "jack_lsp"})
        self.answer(json.dumps(node(1, "mic")).encode(), REAL.encode())
        inventory = self.found(looking)
        self.assertEqual([each.backend for each in inventory.interfaces[:2]], ["alsa", "pipewire"])
        self.assertEqual(inventory.answering, {"jack", "pipewire"})
        self.assertTrue(inventory.probe_ok)
        self.assertEqual(inventory.interfaces[-1].sample_rates, (44_100,))
        self.assertIs(self.subject.known, inventory)

    def test_no_servers(self) -> None:
        """Where there is no server there is no input of it, and that is known."""
        looking = self.look()
        self.answer()
        inventory = self.found(looking)
        self.assertEqual((inventory.interfaces, inventory.probe_ok), ((CARD,), True))
        self.assertEqual(inventory.answering, frozenset())

    def test_no_programs(self) -> None:
        """Where the programs that ask are missing, neither."""
        for name in ("pw-dump", "jack_lsp"):
            (self.bin / name).unlink()
        self.assertTrue(self.found(self.look()).probe_ok)

    def test_a_server_without_inputs(self) -> None:
        """A server that answers and has nothing is one of the node's audio systems."""
        looking = self.look()
        self.answer(b"[]", b"")
        self.assertEqual(self.found(looking).answering, {"jack", "pipewire"})

    def test_first_look_failed(self) -> None:
        """While one system is not known, the whole does not count."""
        looking = self.look()
        self.answer(b"garbage")
        self.assertFalse(self.found(looking).probe_ok)
        self.alsa = Inventory((), probe_ok=False, reason="arecord failed")
        nobody = SoundServers(self.reactor, self.reactor, FakeThreads(), {"PATH": "/nowhere"})
        self.subject = Survey(self.reactor, self.ask_alsa, nobody)
        self.assertFalse(self.found(self.look()).probe_ok)
        self.reactor.advance(10 * HOPE_SECONDS)
        self.assertFalse(self.found(self.look()).probe_ok)

    def test_later_look_failed(self) -> None:
        """A system that fails keeps what it had; one that is gone has nothing."""
        looking = self.look()
        self.answer(json.dumps(node(1, "mic")).encode())
        self.assertEqual(self.names(looking), ["X", "mic"])
        looking = self.look()
        with capturedLogs() as logs:
            self.answer(b"[garbage")
            self.assertEqual(self.names(looking), ["X", "mic"])
            looking = self.look()
            self.answer(b"[garbage")
        self.assertEqual(len(logs), 1)
        self.assertTrue(self.found(looking).probe_ok)
        looking = self.look()
        self.answer()
        self.assertEqual(self.names(looking), ["X"])

    def test_alsa_failed(self) -> None:
        """Cards are not forgotten because arecord failed once."""
        looking = self.look()
        self.answer()
        self.alsa = Inventory((), probe_ok=False, reason="arecord failed")
        self.found(looking)
        looking = self.look()
        self.answer(json.dumps(node(1, "mic")).encode())
        self.assertEqual(self.names(looking), ["X", "mic"])

    def test_one_that_hangs(self) -> None:
        """A server that stands still does not keep the others from being seen."""
        looking = self.look()
        self.answer()
        self.found(looking)
        self.alsa = Inventory((CARD, attrs.evolve(CARD, id="y")), probe_ok=True)
        looking = self.look()
        self.running("jack_lsp").says(NO_JACK, 2)
        self.running("jack_lsp").ends(1)
        self.reactor.advance(PATIENCE_SECONDS - 0.1)
        self.assertNoResult(looking)
        self.reactor.advance(0.1)
        self.assertEqual(len(self.found(looking).interfaces), 2)
        looking = self.look()  # the hanging one is not asked a second time
        self.assertEqual([each.argv[0] for each in self.reactor.spawned].count("pw-dump"), 2)
        self.running("jack_lsp").ends(1)
        self.running("pw-dump").says(json.dumps(node(1, "mic")).encode())
        self.running("pw-dump").ends()
        self.assertEqual(len(self.found(looking).interfaces), 3)

    def test_a_hanging_arecord(self) -> None:
        """An arecord that stands still keeps its cards, and holds up no source of PipeWire."""
        looking = self.look()
        self.answer()
        self.found(looking)
        self.alsa = Deferred()
        looking = self.look()
        self.answer(json.dumps(node(1, "mic")).encode())
        self.reactor.advance(PATIENCE_SECONDS)
        self.assertEqual(self.names(looking), ["X", "mic"])
        self.subject.stop()

    def test_no_hope(self) -> None:
        """A server that never answered is taken for one without sources after a while."""
        for seconds, known in ((0.0, False), (HOPE_SECONDS - 0.1, False), (0.1, True)):
            self.reactor.advance(seconds)
            looking = self.look()
            self.answer(b"garbage")
            inventory = self.found(looking)
            self.assertEqual((inventory.probe_ok, inventory.interfaces), (known, (CARD,)))
        looking = self.look()
        self.answer(json.dumps(node(1, "mic")).encode())
        self.assertEqual(self.names(looking), ["X", "mic"])

    def test_the_rate_of_jack(self) -> None:
        """A rate that JACK does not tell once is the one that it told before."""
        for said in (b"44100\n", b""):
            looking = self.look()
            for program, text in (("pw-dump", b"[]"), ("jack_lsp", REAL.encode())):
                self.running(program).says(text)
                self.running(program).ends()
            self.running("jack_samplerate").says(said)
            self.running("jack_samplerate").ends()
            self.assertEqual(self.found(looking).interfaces[-1].sample_rates, (44_100,))

    def test_remarks(self) -> None:
        """A source that cannot be named is told of once, for as long as it is there."""
        odd = json.dumps(node(1, "a\0b")).encode()
        with capturedLogs() as logs:
            for said in (odd, odd, b"[]", odd):
                looking = self.look()
                self.answer(said)
                self.found(looking)
        self.assertEqual(len(logs), 2)

    def test_a_defect(self) -> None:
        """A defect in asking one system costs only that system's news, and is its trouble."""
        looking = self.look()
        self.answer()
        self.found(looking)
        self.alsa = None
        looking = self.look()
        self.answer()
        self.assertEqual(self.names(looking), ["X"])
        self.assertIn("ALSA could not be asked", self.subject.trouble or "")
        self.assertEqual(len(self.flushLoggedErrors(AssertionError)), 1)

    def test_cancelled(self) -> None:
        """A look that is given up leaves nothing on the clock once all is stopped."""
        looking = self.look()
        looking.cancel()
        self.failureResultOf(looking, CancelledError)
        self.subject.stop()
        self.hang()
