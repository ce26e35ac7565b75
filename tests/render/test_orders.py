"""Orders for the feeder."""

from __future__ import annotations

import json
import os
from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import FORMATS
from rakkr.audio.strip import Piece, Strip
from rakkr.render.orders import FEED, feed_orders, feeder, silent_sample


class OrderTests(SynchronousTestCase):
    """A strip becomes bytes of files and of silence."""

    def test_pieces(self):
        """Files are read behind their headers, and silence is as long as it was."""
        audio = CapturedAudio(Path("/c/a.wav"), 128, FORMATS["S24_3LE"], 48000, 2, 1000, wav=True)
        strip = Strip.of(audio, 10, 30)
        silence = attrs.evolve(strip, pieces=(Piece(None, 0, 5),))
        self.assertEqual(
            json.loads(feed_orders(strip + silence + Strip.of(audio, 1))),
            {
                "silence": "000000",
                "pieces": [
                    {"path": "/c/a.wav", "offset": 188, "bytes": 120},
                    {"bytes": 30},
                    {"path": "/c/a.wav", "offset": 134, "bytes": 5994},
                ],
            },
        )

    def test_names_that_are_no_text(self):
        """A name survives byte for byte."""
        name = "/c/Büro \udcff\n.wav"
        audio = CapturedAudio(Path(name), 0, FORMATS["U8"], 8000, 1, 9, wav=False)
        (piece,) = json.loads(feed_orders(Strip.of(audio)))["pieces"]
        self.assertEqual(piece["path"].encode("latin-1"), os.fsencode(name))

    def test_silence(self):
        """Unsigned samples rest in the middle, all others at zero; each has its own width."""
        for name, source in FORMATS.items():
            rest = b"\x80" if name == "U8" else bytes(source.container_bytes)
            self.assertEqual(silent_sample(source), rest, name)

    def test_command(self):
        """The feeder is a file that an isolated interpreter runs."""
        self.assertEqual(feeder("/usr/bin/python3"), ("/usr/bin/python3", "-I", "-S", str(FEED)))
        self.assertTrue(FEED.is_file())
