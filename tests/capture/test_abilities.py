"""What programs say that they can do."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from rakkr.capture.abilities import Abilities, read_abilities
from tests.capture.texts import abilities_of


class AbilitiesTests(SynchronousTestCase):
    def test_pw_record(self) -> None:
        """The versions of three releases are told apart by their own help texts."""
        for release, version, raw, count in (
            ("bookworm", "0.3.65", False, False),
            ("trixie", "1.4.2", True, False),
            ("sid", "1.6.9", True, True),
        ):
            found = abilities_of(f"pw-record-{release}")
            self.assertEqual(found.version, version)
            self.assertEqual(found.has("--raw"), raw)
            self.assertEqual(found.has("-a"), raw)
            self.assertEqual(found.has("--sample-count"), count)
            self.assertTrue(found.has("--target") and found.has("-P"))

    def test_jack_capture(self) -> None:
        """Options in brackets are read, with both of their names."""
        found = abilities_of("jack_capture-bookworm")
        self.assertEqual(found.version, "0.9.73")
        for option in ("--no-stdin", "-ns", "--recording-time", "-d", "--port", "-dc", "-f"):
            self.assertTrue(found.has(option), option)
        self.assertFalse(found.has("--duration"))

    def test_nothing_is_known(self) -> None:
        """Of a program without a help text nothing is known, and it has no option for sure."""
        found = read_abilities("no such file\n", "")
        self.assertEqual(found, Abilities(None, None))
        self.assertFalse(found.has("--raw"))

    def test_words_with_dashes_are_no_options(self) -> None:
        """A dash inside a word or before a number makes no option."""
        found = read_abilities("mono-to-stereo -1 dB, --real x", "program version 1")
        self.assertEqual(found, Abilities(frozenset({"--real"}), None))
