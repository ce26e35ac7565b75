"""What devices can do is read from what they say, and no text can make reading fail."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.parameters import (
    NOTHING,
    Parameters,
    dump_is_whole,
    is_closed,
    parse_dump,
    parse_running,
    parse_stream,
)

STREAM = """\
Desk 32 at usb-0000:00:14.0-2, high speed : USB Audio

Playback:
  Status: Stop
  Interface 1
    Altset 1
    Format: S32_LE
    Channels: 40
    Rates: 192000
Capture:
  Status: Running
    Interface = 2
    Altset = 1
    Momentary freq = 48000 Hz (0x6.0000)
  Interface 2
    Altset 1
    Format: S32_LE
    Channels: 32
    Endpoint: 0x82 (2 IN) (ASYNC)
    Rates: 44100, 48000
    Bits: 24
    Channel map: MONO
  Interface 2
    Altset 2
    Format: S24_3LE
    Channels: 8
    Rates: 96000, 88200
Mixer:
    Channels: 99
    Rates: 1234
"""

# Recorded from arecord 1.2.8, which refused S16_LE after it had printed this.
DUMP = """\
Recording WAVE '/dev/null' : Signed 16 bit Little Endian, Rate 48000 Hz, Stereo
HW Params of device "hw:Sim32":
--------------------
ACCESS:  MMAP_INTERLEAVED RW_INTERLEAVED
FORMAT:  S32_LE S24_3LE
SUBFORMAT:  STD
SAMPLE_BITS: 32
FRAME_BITS: 1024
CHANNELS: 32
RATE: [44100 96000]
PERIOD_TIME: (0 1365334)
PERIODS: [2 1024]
TICK_TIME: ALL
--------------------
arecord: set_params:1352: Sample format non available
Available formats:
- S32_LE
"""

RUNNING = """\
access: RW_INTERLEAVED
format: S32_LE
subformat: STD
channels: 32
rate: 48000 (48000/1)
period_size: 6000
buffer_size: 24000
"""


class StreamTests(SynchronousTestCase):
    """The description of a USB device."""

    def test_all_settings_count(self) -> None:
        """All alternate settings of the capture side count."""
        self.assertEqual(
            parse_stream(STREAM),
            Parameters(32, (44_100, 48_000, 88_200, 96_000), ("S32_LE", "S24_3LE")),
        )

    def test_continuous_range(self) -> None:
        """A continuous range holds the standard rates between its ends."""
        facts = parse_stream("Capture:\nRates: 30000 - 96000 (continuous)\n")
        expected = (30_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000)
        self.assertEqual(facts, Parameters(None, expected))

    def test_nothing_told(self) -> None:
        """What is not told stays unknown, and numbers that cannot be are passed over."""
        self.assertEqual(parse_stream(""), NOTHING)
        self.assertEqual(parse_stream("Playback:\nChannels: 2\nRates: 48000\n"), NOTHING)
        text = "Capture:\nChannels: 0 257 99999999999\nRates: 0, 1000000, KNOT\n"
        self.assertEqual(parse_stream(text), NOTHING)
        self.assertEqual(parse_stream("Capture:\nChannels: 256\n").channel_count, 256)


class DumpTests(SynchronousTestCase):
    """What ``arecord --dump-hw-params`` prints."""

    def test_recorded_output(self) -> None:
        """Channels, rates and formats are read, whatever the program says behind them."""
        rates = (44_100, 48_000, 64_000, 88_200, 96_000)
        self.assertEqual(parse_dump(DUMP), Parameters(32, rates, ("S32_LE", "S24_3LE")))

    def test_documented_example(self) -> None:
        """Of a range of channels the most count; the ends of rates and what is between."""
        found = parse_dump("CHANNELS: [1 32]\nRATE: [44100 96000]\n")
        self.assertEqual(found.channel_count, 32)
        self.assertEqual(found.sample_rates, (44_100, 48_000, 64_000, 88_200, 96_000))
        self.assertIsNone(found.formats)
        self.assertTrue(found.complete)

    def test_one_rate(self) -> None:
        """One rate is one rate."""
        self.assertEqual(parse_dump("RATE: 48000\n").sample_rates, (48_000,))
        self.assertFalse(parse_dump("RATE: 48000\n").complete)

    def test_most_channels(self) -> None:
        """A virtual device that takes any number of channels has as many as can be told."""
        for most, expected in ((256, 256), (257, 256), (10_000, 256), (0, None)):
            self.assertEqual(parse_dump(f"CHANNELS: [1 {most}]").channel_count, expected or 1)
        self.assertIsNone(parse_dump("CHANNELS: 0").channel_count)

    def test_all_and_none(self) -> None:
        """Words that stand for every format, or for none, are no formats."""
        self.assertIsNone(parse_dump("FORMAT: ALL\n").formats)
        self.assertIsNone(parse_dump("FORMAT: NONE\nCHANNELS:\nRATE: ALL\n").formats)
        self.assertEqual(parse_dump(""), NOTHING)

    def test_whole(self) -> None:
        """Only behind the second line of dashes everything has been printed."""
        end = DUMP.index("arecord: set")
        self.assertTrue(dump_is_whole(DUMP))
        self.assertTrue(dump_is_whole(DUMP[:end]))
        self.assertFalse(dump_is_whole(DUMP[: end - 1]))
        self.assertFalse(dump_is_whole(""))

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """Nothing that a program prints makes reading fail."""
        for line in (text, f"CHANNELS: {text}\nRATE: {text}\nFORMAT: {text}"):
            parse_dump(line)
            dump_is_whole(line)
            parse_running(line.lower())
        parse_stream(f"Capture:\n Channels: {text}\n Rates: {text}\n Format: {text}")


class RunningTests(SynchronousTestCase):
    """What the kernel tells of a device that is open."""

    def test_open(self) -> None:
        """It tells what the device was opened with."""
        self.assertEqual(parse_running(RUNNING), Parameters(32, (48_000,), ("S32_LE",)))

    def test_closed(self) -> None:
        """A closed device tells nothing."""
        self.assertEqual(parse_running("closed\n"), NOTHING)
        self.assertEqual(parse_running(""), NOTHING)

    def test_status(self) -> None:
        """Only a device that says so is closed."""
        for text, expected in (
            ("closed\n", True),
            ("state: RUNNING\nowner_pid   : 12\n", False),
            ("", False),
            (None, False),
        ):
            self.assertIs(is_closed(text), expected)


class ParametersTests(SynchronousTestCase):
    def test_or_else(self) -> None:
        """Each fact comes from the first source that has it."""
        first = Parameters(channel_count=32)
        second = Parameters(2, (48_000,), ("S16_LE",))
        self.assertEqual(first.or_else(second), Parameters(32, (48_000,), ("S16_LE",)))
        self.assertEqual(NOTHING.or_else(NOTHING), NOTHING)
