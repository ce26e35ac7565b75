"""What the end of a segment means for the rest of its window."""

from __future__ import annotations

from pathlib import Path

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.pcm import FORMATS
from rakkr.capture.growth import StallEvidence
from rakkr.capture.loss import (
    LONGEST_BUSY_SECONDS,
    LONGEST_SECONDS,
    Loss,
    backoff,
    classify,
    decide,
)
from rakkr.capture.programs import CannotLaunch, launch
from rakkr.capture.template import BadTemplate, expand
from rakkr.capture.verdict import Ending, judge, missing
from rakkr.capture.wrong_rate import WrongRate
from tests.capture.requests import request

# Recorded: arecord 1.2.8 and pw-record 0.3.65 without sound hardware, and with the simulated cards.
SAID = {
    "ALSA lib confmisc.c:165:(snd_config_get_card) Cannot get card index for NOPE\n"
    "arecord: main:831: audio open error: No such device": Loss.LOST,
    "ALSA lib confmisc.c:165:(snd_config_get_card) Cannot get card index for 7": Loss.LOST,
    "arecord: main:831: audio open error: No such file or directory": Loss.LOST,
    "ALSA lib pcm.c:2666:(snd_pcm_open_noupdate) Unknown PCM nonsense": Loss.LOST,
    "arecord: pcm_read:2221: read error: No such device": Loss.LOST,
    "arecord: pcm_read:2221: read error: Input/output error": Loss.LOST,
    "arecord: main:831: audio open error: Host is down": Loss.LOST,
    "error: pw_context_connect() failed: Host is down": Loss.LOST,
    "remote error: id=0 seq:-32 res:-32 (Broken pipe): connection error": Loss.LOST,
    "jack_capture: JACK shutdown.": Loss.LOST,
    "the device was disconnected: device disconnected": Loss.LOST,
    "device removed": Loss.LOST,
    "cannot find card '3'": Loss.LOST,
    "arecord: main:831: audio open error: Device or resource busy": Loss.BUSY,
    "arecord: set_params:1358: Channels count non available": Loss.HOPELESS,
    "arecord: set_params:1352: Sample format non available\nAvailable formats:\n- S32_LE": (
        Loss.HOPELESS
    ),
    "arecord: unrecognized option '--bogus'\nTry `arecord --help' for more information.": (
        Loss.HOPELESS
    ),
    "arecord: main:630: wrong extended format 'XX'": Loss.HOPELESS,
    "arecord: main:610: value 0 for channels is invalid": Loss.HOPELESS,
    "rakkr-tone: unrecognized arguments: --bogus": Loss.HOPELESS,
    "rakkr-tone: sample format 'XX' is not known; use one of S8": Loss.HOPELESS,
    "arecord: begin_wave:2481: write error: No space left on device": Loss.DISK_FULL,
    "arecord: pcm_read:2221: read error: Interrupted system call": Loss.UNKNOWN,
    "arecord: main:831: audio open error: Permission denied": Loss.UNKNOWN,
    "": Loss.UNKNOWN,
}

ENDING = Ending(
    command="arecord",
    code=1,
    signal=None,
    refused=None,
    abandoned=False,
    asked=False,
    stderr="",
    path=Path("/rec/a.raw.wav"),
    audio_bytes=0,
    min_bytes=1024,
)


def error_of(**changes: object) -> str:
    """The words of the house for an end."""
    error = judge(attrs.evolve(ENDING, **changes)).error  # type: ignore[arg-type]
    assert error is not None
    return error


class ClassifyTests(SynchronousTestCase):
    def test_recorded_messages(self) -> None:
        """Whatever a program says is known, bare and in the reason that is made of it."""
        for said, loss in SAID.items():
            self.assertEqual(classify(said), loss, said)
            self.assertEqual(classify(error_of(stderr=said)), loss, said)

    def test_any_case(self) -> None:
        """The contract compares without regard to case."""
        self.assertEqual(classify("INPUT/OUTPUT ERROR"), Loss.LOST)

    def test_our_own_words_for_a_lost_device(self) -> None:
        """A stall, an empty file and a program that cannot be killed are losses."""
        stall = StallEvidence(4096, 50, 30, 10, 30)
        self.assertEqual(classify(stall.sentence), Loss.LOST)
        self.assertEqual(classify(error_of(code=0)), Loss.LOST)
        self.assertEqual(classify(error_of(abandoned=True)), Loss.LOST)
        self.assertEqual(classify("arecord ended while no agent watched it"), Loss.LOST)

    def test_a_reason_beats_its_symptom(self) -> None:
        """An empty file whose program said why is what the program said."""
        error = error_of(code=0, stderr="arecord: set_params:1358: Channels count non available")
        self.assertIn("too small", error)
        self.assertEqual(classify(error), Loss.HOPELESS)

    def test_a_device_that_is_gone_knows_no_formats(self) -> None:
        """What a vanishing device says of its channels does not count; a full disk always does."""
        text = "read error: No such device; Channels count non available"
        self.assertEqual(classify(text), Loss.LOST)
        self.assertEqual(classify(f"{text}; No space left on device"), Loss.DISK_FULL)

    def test_wrong_rate(self) -> None:
        """A device without the rate will not get it by asking again."""
        error = error_of(wrong_rate=WrongRate(44_100, 48_000).sentence("hw:1,0"))
        self.assertEqual(classify(error), Loss.HOPELESS)

    def test_a_program_that_cannot_run(self) -> None:
        """A program that is missing, or may not be run, is hopeless, however that was found."""
        for error in (
            missing("arecord"),
            error_of(refused="arecord cannot be started: No such file or directory"),
            error_of(refused="arecord cannot be started: Permission denied"),
            error_of(refused="x cannot be started: 'a\\x00' cannot be given to a program"),
            error_of(code=127, stderr="shim: failed to execute arecord: Exec format error"),
            error_of(code=126, stderr="sh: 1: ./x: Permission denied"),
        ):
            self.assertEqual(classify(error), Loss.HOPELESS, error)

    def test_a_machine_that_is_short_of_something(self) -> None:
        """A lack of memory, processes or descriptors passes."""
        for why in ("Resource temporarily unavailable", "Cannot allocate memory"):
            error = error_of(refused=f"arecord cannot be started: {why}")
            self.assertEqual(classify(error), Loss.UNKNOWN, error)
            error = error_of(code=127, stderr=f"shim: failed to execute arecord: {why}")
            self.assertEqual(classify(error), Loss.UNKNOWN, error)

    def test_a_directory_that_takes_no_file(self) -> None:
        """Where the file cannot be made the reason decides: a full disk may be emptied."""
        text = "run capture command arecord: /rec/a.raw.wav cannot be written: "
        self.assertEqual(classify(f"{text}Read-only file system"), Loss.HOPELESS)
        self.assertEqual(classify(f"{text}Permission denied"), Loss.HOPELESS)
        for path in ("", "/not found/a.wav: "):
            full = f"{text}{path}No space left on device"
            self.assertEqual(classify(full), Loss.DISK_FULL)
        self.assertEqual(classify(f"{text}Too many open files"), Loss.UNKNOWN)

    def test_calls_that_cannot_be_made(self) -> None:
        """What our own code refuses to call is hopeless."""
        impossible = [
            request(backend="pipewire", format=FORMATS["S16_BE"]),
            request(command="jack_capture", format=FORMATS["U8"]),
            request(channels=0),
            request(args_template="-d {seconds} {output}", seconds=100_000, channels=32),
        ]
        for each in impossible:
            refusal = self.assertRaises(CannotLaunch, launch, each, Path("/rec/a.wav"))
            self.assertEqual(classify(str(refusal)), Loss.HOPELESS, str(refusal))
        for template in ("", "'"):
            bad = self.assertRaises(BadTemplate, expand, template, {})
            self.assertEqual(classify(str(bad)), Loss.HOPELESS, str(bad))

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """Every text has a class, and to have said that the disk is full always counts."""
        self.assertIsInstance(classify(text), Loss)
        self.assertEqual(classify(f"{text} No space left on device"), Loss.DISK_FULL)


class DecideTests(SynchronousTestCase):
    def test_only_the_hopeless_is_given_up(self) -> None:
        """At the first attempt everything but the hopeless is tried again."""
        again = {loss for loss in Loss if decide(loss, worked_before=False)}
        self.assertEqual(again, set(Loss) - {Loss.HOPELESS})

    def test_after_it_worked_everything_is_tried_again(self) -> None:
        """A device that worked is asked again whatever it says: it may be half there."""
        for loss in Loss:
            self.assertTrue(decide(loss, worked_before=True))


class BackoffTests(SynchronousTestCase):
    def test_the_first_waits(self) -> None:
        """Half a second, then 1.7 times as long each time, up to ten seconds."""
        waits = [backoff(attempt, lambda: 0.0) for attempt in range(1, 9)]
        expected = [0.5, 0.85, 1.445, 2.4565, 4.17605, 7.099285, 10.0, 10.0]
        for wait, wanted in zip(waits, expected, strict=True):
            self.assertAlmostEqual(wait, wanted)

    def test_busy(self) -> None:
        """A device that somebody has is asked again after two seconds at most."""
        waits = [backoff(attempt, lambda: 0.0, Loss.BUSY) for attempt in range(1, 6)]
        self.assertEqual(waits[-2:], [2.0, 2.0])
        self.assertLess(waits[2], 2.0)

    def test_chance_shortens(self) -> None:
        """Chance takes away up to a quarter."""
        self.assertAlmostEqual(backoff(1, lambda: 1.0), 0.375)
        self.assertAlmostEqual(backoff(99, lambda: 0.5), 8.75)

    @given(st.integers(-1, 10**9), st.floats(0.0, 1.0), st.sampled_from(Loss))
    def test_limits(self, attempt: int, chance: float, loss: Loss) -> None:
        """However often it failed, the wait stays within its limits, and grows with the count."""
        wait = backoff(attempt, lambda: chance, loss)
        longest = LONGEST_BUSY_SECONDS if loss is Loss.BUSY else LONGEST_SECONDS
        self.assertTrue(0.375 <= wait <= longest)
        self.assertLessEqual(wait, backoff(attempt + 1, lambda: chance, loss))
