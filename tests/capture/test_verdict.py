"""What the end of a program means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.capture.verdict import Ending, Verdict, judge, missing, summary

_GOOD = Ending(
    command="arecord",
    code=0,
    signal=None,
    refused=None,
    abandoned=False,
    asked=False,
    stderr="",
    path=Path("/d/a.raw.wav"),
    audio_bytes=128,
    min_bytes=128,
)


def judged(**changes: Any) -> Verdict:
    """Judge a good end with changes."""
    return judge(attrs.evolve(_GOOD, **changes))


class JudgeTests(SynchronousTestCase):
    def test_good(self) -> None:
        """Code 0 and just enough bytes are good."""
        self.assertEqual(judged(), Verdict(None))

    def test_too_small(self) -> None:
        """One byte less is not."""
        sentence = "capture output is too small: /d/a.raw.wav has 127 bytes, expected at least 128"
        self.assertEqual(judged(audio_bytes=127), Verdict(sentence))
        sentence = "capture output is too small: /d/a.raw.wav has 0 bytes, expected at least 128"
        self.assertEqual(judged(audio_bytes=None), Verdict(sentence))

    def test_exit_code(self) -> None:
        """Another code is a failure in the contract's words, with what the program said."""
        got = judged(code=1, stderr="arecord: pcm_read:2178: read error: No such device\n")
        self.assertEqual(
            got.error,
            "capture command arecord failed with status exit status: 1: "
            "arecord: pcm_read:2178: read error: No such device",
        )
        self.assertEqual(
            judged(code=3).error, "capture command arecord failed with status exit status: 3"
        )

    def test_signals_of_others(self) -> None:
        """A signal that we did not send is a failure, whatever was recorded."""
        self.assertEqual(
            judged(code=None, signal=9, audio_bytes=10**6).error,
            "capture command arecord failed with status signal: 9 (SIGKILL)",
        )
        self.assertIn("signal: 99", judged(code=None, signal=99).error or "")

    def test_an_end_that_we_asked_for(self) -> None:
        """After a stop every code and every signal is good, if there is enough audio."""
        for code, signal in ((0, None), (1, None), (255, None), (None, 2), (None, 9)):
            self.assertIsNone(judged(code=code, signal=signal, asked=True).error)
        self.assertIn("too small", judged(code=1, asked=True, audio_bytes=0).error or "")

    def test_what_cannot_be_used(self) -> None:
        """A file that cannot be read is the reason, before its size and behind a bad exit."""
        self.assertEqual(judged(unusable="no WAV", audio_bytes=0).error, "no WAV")
        self.assertEqual(
            judged(unusable="no WAV", code=1, stderr="oh").error,
            "capture command arecord failed with status exit status: 1: oh; no WAV",
        )
        self.assertIn("; no WAV", judged(unusable="no WAV", abandoned=True).error or "")

    def test_wrong_rate(self) -> None:
        """Samples of another rate than asked for are a failure, however the program ended."""
        for code, asked in ((0, False), (1, True), (1, False)):
            self.assertEqual(judged(wrong_rate="48k", code=code, asked=asked).error, "48k")

    def test_complete(self) -> None:
        """When all frames that were wanted are there, no exit code is bad; two things still are."""
        for code, signal in ((1, None), (0, None), (None, 9)):
            self.assertIsNone(judged(code=code, signal=signal, complete=True).error)
        self.assertIsNone(judged(code=None, unknown=True, complete=True).error)
        self.assertEqual(judged(complete=True, wrong_rate="48k").error, "48k")
        self.assertIn("killed", judged(complete=True, abandoned=True).error or "")

    def test_unknown(self) -> None:
        """An end that nobody saw is bad, with what was said before, unless it was asked for."""
        sentence = "capture command arecord ended while no agent watched it"
        self.assertEqual(judged(code=None, unknown=True).error, sentence)
        said = judged(code=None, unknown=True, stderr="read error").error
        self.assertEqual(said, f"{sentence}: read error")
        self.assertIsNone(judged(code=None, unknown=True, asked=True).error)

    def test_a_full_disk(self) -> None:
        """A full disk is named, whether the program could say so or not."""
        said = judged(code=1, stderr="write error: No space left on device\n")
        self.assertTrue(said.disk_full)
        self.assertEqual((said.error or "").count("No space left on device"), 1)
        silent = judged(code=1, disk_full=True)
        self.assertTrue(silent.disk_full)
        self.assertIn("the disk is full (No space left on device)", silent.error or "")
        self.assertFalse(judged(code=1).disk_full)
        self.assertEqual(judged(disk_full=True), Verdict(None))

    def test_never_ran(self) -> None:
        """A refused start, and a program that could not be executed, never ran."""
        got = judged(refused="arecord cannot be started: Permission denied", code=None)
        self.assertFalse(got.ran)
        self.assertIn("run capture command arecord: ", got.error or "")
        said = "setsid: failed to execute arecord: Exec format error\n"
        self.assertFalse(judged(code=126, stderr=said, audio_bytes=0).ran)
        self.assertTrue(judged(code=126, stderr=said, audio_bytes=10).ran)
        self.assertTrue(judged(code=127, stderr="something else", audio_bytes=0).ran)

    def test_abandoned(self) -> None:
        """A program that survives KILL is a failure even after a stop."""
        self.assertIn("could not be killed", judged(abandoned=True, asked=True).error or "")

    @given(st.text(), st.integers(1, 255))
    def test_always_one_line(self, stderr: str, code: int) -> None:
        """Whatever a program says, the reason is one printable line of bounded length."""
        error = judged(code=code, stderr=stderr).error or ""
        self.assertTrue(error.isprintable())
        self.assertLess(len(error), 1200)

    def test_summary(self) -> None:
        """Chatter, repetitions and counted gaps are left out; the rest becomes one line."""
        said = (
            "Recording raw data 'stdin' : Signed 16 bit\nALSA lib: Unknown  PCM\n"
            "overrun!!! (at least 3 ms long)\nALSA lib: Unknown PCM\n\n\topen error\n"
            "Aborted by signal Interrupt...\n"
        )
        self.assertEqual(summary(said), "ALSA lib: Unknown PCM; open error")

    def test_missing(self) -> None:
        """A missing program is named with its Debian package."""
        self.assertIn("install the Debian package alsa-utils", missing("arecord"))
        self.assertNotIn("package", missing("/opt/wrapper"))
        self.assertTrue(missing("a\0b").isprintable())
