"""A device that does not have the rate that it was asked for."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from rakkr.capture.wrong_rate import WrongRate, find_wrong_rate


class WrongRateTests(SynchronousTestCase):
    def test_found(self) -> None:
        """The warning of arecord is found among its other messages, and nothing else is."""
        said = (
            "Recording raw data 'stdin' : Signed 16 bit Little Endian, Rate 44100 Hz, Stereo\n"
            "Warning: rate is not accurate (requested = 44100Hz, got = 48000Hz)\n"
        )
        self.assertEqual(find_wrong_rate(said), WrongRate(44100, 48000))
        self.assertIsNone(find_wrong_rate(said.partition("Warning")[0]))

    def test_sentence(self) -> None:
        """The reason names both rates, the device, and what to do."""
        for device, cure in (("hw:1,0", "plughw:1,0"), ("desk", "plughw:"), ("", "plughw:")):
            sentence = WrongRate(44100, 48000).sentence(device)
            for word in (device, cure, "44100 Hz", "ask for 48000 Hz"):
                self.assertIn(word, sentence)
