"""Programs are asked once what they can do."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.capture.abilities import Abilities
from rakkr.capture.probing import LIMIT_SECONDS, NoAbilities, Probing
from tests.capture.texts import recorded
from tests.fakes.processes import FakeReactor

HELP = recorded("pw-record-trixie.help").encode()
VERSION = recorded("pw-record-trixie.version").encode()


class ProbingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.bin = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.program = self.bin / "pw-record"
        self.program.touch(0o755)
        self.reactor = FakeReactor()
        self.subject = Probing(self.reactor, self.reactor, {"PATH": str(self.bin), "X": "1"})

    def tearDown(self) -> None:
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def ask(self, name: str = "pw-record") -> Deferred[Abilities | None]:
        """Begin to ask."""
        return Deferred.fromCoroutine(self.subject.abilities(name))

    def answer(self, text: bytes = HELP, *, descriptor: int = 1) -> None:
        """Let a program print its help, then its version."""
        for said, option in ((text, "--help"), (VERSION, "--version")):
            self.assertEqual(self.reactor.last.argv[1], option)
            self.reactor.last.says(said, descriptor)
            self.reactor.last.ends()

    def test_asked_once(self) -> None:
        """A program is asked once, in the C locale, and again when another one is installed."""
        asking = self.ask()
        self.assertEqual(self.reactor.last.argv, [str(self.program), "--help"])
        expected = {"PATH": str(self.bin), "X": "1", "LC_ALL": "C"}
        self.assertEqual(self.reactor.last.env, expected)
        self.answer()
        found = self.successResultOf(asking)
        assert found is not None
        self.assertEqual(found.version, "1.4.2")
        self.assertTrue(found.has("--raw"))
        self.assertEqual(self.successResultOf(self.ask()), found)
        self.assertEqual(len(self.reactor.spawned), 2)
        os.utime(self.program, (1, 1))
        again = self.ask()
        self.answer(HELP.replace(b"--raw", b"--wet"))
        found = self.successResultOf(again)
        assert found is not None
        self.assertFalse(found.has("--raw"))

    def test_help_on_stderr(self) -> None:
        """What is printed on stderr counts as well."""
        asking = self.ask()
        self.answer(descriptor=2)
        self.assertIsNotNone(self.successResultOf(asking))

    def test_jack_capture(self) -> None:
        """A program that hides its options is asked for all of them."""
        (self.bin / "jack_capture").touch(0o755)
        asking = self.ask("jack_capture")
        self.assertEqual(self.reactor.last.argv[1], "--help2")
        self.reactor.last.says(recorded("jack_capture-bookworm.help").encode())
        self.reactor.last.ends()
        self.reactor.last.ends()
        found = self.successResultOf(asking)
        assert found is not None
        self.assertTrue(found.has("--no-stdin"))

    def test_no_program(self) -> None:
        """A program that is not there is nothing, and nothing is started."""
        self.assertIsNone(self.successResultOf(self.ask("pw-cat")))
        self.assertEqual(self.reactor.spawned, [])

    def test_no_answer(self) -> None:
        """A program that hangs or says nothing of options is no guess: it is asked again."""
        asking = self.ask()
        for _ in range(2):  # for its help, and for its version
            self.reactor.advance(LIMIT_SECONDS - 0.1)
            self.assertEqual(self.reactor.last.signals, [])
            self.reactor.advance(0.1)
            self.assertEqual(self.reactor.last.signals, ["TERM"])
            self.reactor.last.ends(None, 15)
        reason = self.failureResultOf(asking, NoAbilities).getErrorMessage()
        self.assertIn("does not say what it can do within 5 s", reason)
        asking = self.ask()
        self.answer(b"cannot open libpipewire")
        reason = self.failureResultOf(asking, NoAbilities).getErrorMessage()
        self.assertIn("cannot open libpipewire", reason)
        asking = self.ask()
        self.answer()
        self.assertIsNotNone(self.successResultOf(asking))

    def test_pcms(self) -> None:
        """The names of ALSA's PCMs stand at the beginning of a line."""
        asking = Deferred.fromCoroutine(self.subject.pcms("arecord"))
        self.assertEqual(self.reactor.last.argv, ["arecord", "-L"])
        self.reactor.last.says(recorded("arecord-bookworm.pcms").encode())
        self.reactor.last.ends()
        found = self.successResultOf(asking)
        self.assertTrue({"pipewire", "jack", "default"} <= found)
        self.assertFalse(any(" " in name for name in found))

    def test_pcms_that_are_not_named(self) -> None:
        """A program that fails, or hangs, has not said that there are none."""
        asking = Deferred.fromCoroutine(self.subject.pcms("arecord"))
        self.reactor.last.says(b"default\n")
        self.reactor.last.ends(1)
        self.failureResultOf(asking, NoAbilities)
        asking = Deferred.fromCoroutine(self.subject.pcms("arecord"))
        self.reactor.advance(LIMIT_SECONDS)
        self.reactor.last.ends(None, 15)
        self.failureResultOf(asking, NoAbilities)
