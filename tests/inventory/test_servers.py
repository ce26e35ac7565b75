"""Sound servers are asked with a limit, and never started by asking."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.jack import Patchbay
from rakkr.inventory.pipewire import Graph
from rakkr.inventory.servers import LIMIT_SECONDS, SoundServers
from rakkr.inventory.view import NoAnswer, Server, View
from tests.fakes.processes import FakeReactor
from tests.fakes.threads import FakeThreads
from tests.inventory.test_jack import REAL


class SoundServersTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = FakeReactor()
        self.bin = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name in ("pw-dump", "jack_lsp"):
            (self.bin / name).touch(0o755)
        self.env = {"PATH": str(self.bin)}
        self.subject = SoundServers(self.reactor, self.reactor, FakeThreads(), self.env)

    def tearDown(self) -> None:
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def look(self, server: Server = "pipewire") -> Deferred[View]:
        """Begin to look."""
        return Deferred.fromCoroutine(self.subject(server))

    def answer(self, text: bytes, code: int = 0, *, descriptor: int = 1) -> None:
        """Let the program that asks print something and end."""
        self.reactor.last.says(text, descriptor)
        self.reactor.last.ends(code)

    def test_pipewire(self) -> None:
        """PipeWire is asked by pw-dump."""
        looking = self.look()
        self.assertEqual(self.reactor.last.argv, ["pw-dump"])
        node = {"props": {"node.name": "desk", "media.class": "Audio/Source"}}
        dumped = [{"id": 1, "type": "PipeWire:Interface:Node", "info": node}]
        self.answer(json.dumps(dumped).encode())
        found = self.successResultOf(looking)
        assert isinstance(found, Graph)
        self.assertEqual(found.sources(), ("desk",))

    def test_a_dump_that_is_none(self) -> None:
        """What cannot be read is no answer, with its reason."""
        looking = self.look()
        self.answer(b"\xff{")
        found = self.successResultOf(looking)
        assert isinstance(found, NoAnswer)
        self.assertIn("printed no JSON", found.why)
        self.assertFalse(found.blind)

    def test_jack(self) -> None:
        """JACK is asked by jack_lsp, which is told not to start a server."""
        looking = self.look("jack")
        self.assertEqual(self.reactor.last.argv, ["jack_lsp", "-c", "-p", "-t"])
        self.assertEqual(
            self.reactor.last.env, {**self.env, "LC_ALL": "C", "JACK_NO_START_SERVER": "1"}
        )
        self.answer(REAL.encode())
        found = self.successResultOf(looking)
        assert isinstance(found, Patchbay)
        self.assertIsNotNone(found.find("sim:out_10"))

    def test_ports_that_are_none(self) -> None:
        """A server without ports has none; words in their place are no answer."""
        for said, expected in ((b"", Patchbay()), (b"\n", Patchbay())):
            looking = self.look("jack")
            self.answer(said)
            self.assertEqual(self.successResultOf(looking), expected)
        looking = self.look("jack")
        self.answer(b"no such thing\n")
        found = self.successResultOf(looking)
        assert isinstance(found, NoAnswer)
        self.assertFalse(found.means_none)

    def test_the_rate_of_jack(self) -> None:
        """The rate is a number, or not known."""
        for text, code, expected in ((b"48000\n", 0, 48000), (b"no\n", 0, None), (b"", 1, None)):
            asking = Deferred.fromCoroutine(self.subject.jack_rate())
            self.assertEqual(self.reactor.last.argv, ["jack_samplerate"])
            self.answer(text, code)
            self.assertEqual(self.successResultOf(asking), expected)

    def test_no_server(self) -> None:
        """A server that is not there is no answer, with what the program said of it."""
        for server, name in (("pipewire", "PipeWire"), ("jack", "JACK")):
            looking = self.look(server)  # type: ignore[arg-type]
            self.answer(b"cannot connect\n", 1, descriptor=2)
            found = self.successResultOf(looking)
            assert isinstance(found, NoAnswer)
            self.assertRegex(found.why, f"{name} does not answer .*: cannot connect")
            self.assertFalse(found.blind)

    def test_a_server_that_is_not_there(self) -> None:
        """That there is no server is told from a server that does not answer well."""
        said: tuple[tuple[Server, bytes, bool], ...] = (
            ("pipewire", b"can't connect: Host is down\n", True),
            ("jack", b"Error: cannot connect to JACK, server is not running.\n", True),
            ("jack", b"JACK server not running?\n", True),
            ("pipewire", b"can't connect: Permission denied\n", False),
            ("jack", b"", False),
        )
        for server, words, absent in said:
            looking = self.look(server)
            self.answer(words, 1, descriptor=2)
            found = self.successResultOf(looking)
            assert isinstance(found, NoAnswer)
            self.assertEqual((found.absent, found.means_none), (absent, absent), words)

    def test_a_server_that_stands_still(self) -> None:
        """A server has some seconds to answer."""
        looking = self.look()
        self.reactor.advance(LIMIT_SECONDS - 0.1)
        self.assertEqual(self.reactor.last.signals, [])
        self.reactor.advance(0.1)
        self.assertEqual(self.reactor.last.signals, ["TERM"])
        self.reactor.last.ends(None, 15)
        found = self.successResultOf(looking)
        self.assertEqual(found, NoAnswer("PipeWire does not answer pw-dump within 3 s"))

    def test_no_program(self) -> None:
        """Without the program that asks we are blind, and what to install is said."""
        for name in ("pw-dump", "jack_lsp"):
            (self.bin / name).unlink()
        for server, package in (("pipewire", "pipewire-bin"), ("jack", "jackd2")):
            found = self.successResultOf(self.look(server))  # type: ignore[arg-type]
            assert isinstance(found, NoAnswer)
            self.assertTrue(found.blind)
            self.assertIn(f"install the Debian package {package}", found.why)
        self.assertEqual(self.reactor.spawned, [])

    def test_a_system_that_starts_nothing(self) -> None:
        """A machine that cannot start one program more now is no blind one: it is asked again."""
        self.reactor.refuse = BlockingIOError(11, "Resource temporarily unavailable")
        for server in ("pipewire", "jack"):
            found = self.successResultOf(self.look(server))
            assert isinstance(found, NoAnswer)
            self.assertFalse(found.blind)
            self.assertIn("temporarily unavailable", found.why)
