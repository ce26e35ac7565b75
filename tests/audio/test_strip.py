"""Strips of captured files and silence."""

from __future__ import annotations

import itertools
from pathlib import Path

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import FORMATS
from rakkr.audio.strip import NotAStrip, Piece, Strip

LENGTH = 60


def captured(name="a", **changed):
    """Make a stereo capture of 60 frames."""
    usual = {
        "path": Path(f"/captures/{name}.raw.wav"),
        "data_offset": 128,
        "format": FORMATS["S24_3LE"],
        "rate": 48000,
        "channels": 2,
        "frames": LENGTH,
        "wav": True,
    }
    return CapturedAudio(**{**usual, **changed})


FILES = (captured("a"), captured("b"))
ranges = st.tuples(st.integers(0, LENGTH), st.integers(0, LENGTH)).map(sorted)
pieces = st.one_of(
    st.builds(
        lambda audio, edges: Piece(audio, edges[0], edges[1] - edges[0]),
        st.sampled_from(FILES),
        ranges,
    ),
    st.integers(0, LENGTH).map(lambda frames: Piece(None, 0, frames)),
)


def strip(*several):
    """Put pieces together."""
    return Strip(FORMATS["S24_3LE"], 48000, 2, several)


strips = st.lists(pieces, max_size=8).map(lambda several: strip(*several))


def heard(several):
    """Name every frame: which of which file, or silence."""
    return [
        piece.audio and (piece.audio.path, piece.start + number)
        for piece in several
        for number in range(piece.frames)
    ]


class StripTests(SynchronousTestCase):
    """Arithmetic on strips never changes what is heard."""

    @given(st.lists(pieces, max_size=8))
    def test_put_together(self, several):
        """Merging keeps every frame in its place, and leaves nothing to merge or to drop."""
        made = strip(*several)
        self.assertEqual(heard(made.pieces), heard(several))
        self.assertEqual(made.frames, sum(piece.frames for piece in several))
        self.assertEqual(made.silent_frames, heard(several).count(None))
        self.assertEqual(made.bytes, made.frames * 6)
        self.assertTrue(all(piece.frames for piece in made.pieces))
        for left, right in zip(made.pieces, made.pieces[1:], strict=False):
            self.assertNotEqual((left.audio, left.end), (right.audio, right.start))
            self.assertFalse(left.audio is None and right.audio is None)

    @given(strips, st.lists(st.integers(0, 8 * LENGTH), max_size=5))
    def test_cut_and_join(self, whole, points):
        """A strip that is cut anywhere and joined again is the same."""
        edges = [0, *sorted(min(point, whole.frames) for point in points), whole.frames]
        parts = [whole.cut(*pair) for pair in itertools.pairwise(edges)]
        self.assertEqual(sum(part.frames for part in parts), whole.frames)
        joined = strip()
        for part in parts:
            joined += part
        self.assertEqual(joined, whole)

    @given(strips, st.data())
    def test_cut(self, whole, data):
        """A cut is heard as the same range of what is heard of the whole."""
        start, end = sorted(data.draw(st.tuples(*[st.integers(0, whole.frames)] * 2)))
        self.assertEqual(heard(whole.cut(start, end).pieces), heard(whole.pieces)[start:end])

    def test_cut_outside(self):
        """A range is held to its last frame, and refused by a sentence beyond."""
        whole = strip(Piece(None, 0, 10))
        self.assertEqual(whole.cut(0, 10), whole)
        self.assertEqual(whole.cut(10, 10).pieces, ())
        for start, end in ((0, 11), (-1, 5), (6, 5)):
            with self.assertRaisesRegex(NotAStrip, f"frames {start} to {end} .* of 10"):
                whole.cut(start, end)

    def test_growing_file(self):
        """Two views of one file that grows are one piece, of the view that saw more."""
        for before, after in ((30, 60), (60, 60)):
            early, late = captured(frames=before, wav=False), captured(frames=after)
            made = Strip.of(early, 0, 30) + Strip.of(late, 30)
            self.assertEqual(made.pieces, (Piece(late, 0, 60),))
            self.assertEqual(made.whole_file(), late)

    def test_other_file(self):
        """Frames that follow by number alone are not one piece."""
        made = Strip.of(FILES[0], 0, 30) + Strip.of(FILES[1], 30)
        self.assertEqual(len(made.pieces), 2)
        other_place = captured(data_offset=44)
        self.assertEqual(len((Strip.of(FILES[0], 0, 30) + Strip.of(other_place, 30)).pieces), 2)

    def test_of(self):
        """A file is taken whole, or in part."""
        self.assertEqual(Strip.of(FILES[0]).pieces, (Piece(FILES[0], 0, 60),))
        self.assertEqual(Strip.of(FILES[0], 10).pieces, (Piece(FILES[0], 10, 50),))
        self.assertEqual(Strip.of(FILES[0], 10, 12).pieces, (Piece(FILES[0], 10, 2),))
        for start, end in ((0, 61), (-1, 5), (61, 60), (6, 5)):
            self.assertRaises(NotAStrip, Strip.of, FILES[0], start, end)

    def test_one_range(self):
        """One range of one file is told apart, and a whole file."""
        self.assertEqual(Strip.of(FILES[0]).contiguous(), (FILES[0], 0, 60))
        self.assertEqual(Strip.of(FILES[0], 1, 9).contiguous(), (FILES[0], 1, 9))
        self.assertEqual(Strip.of(FILES[0]).whole_file(), FILES[0])
        for part in (Strip.of(FILES[0], 1), Strip.of(FILES[0], 0, 59)):
            self.assertIsNone(part.whole_file())
        silence = Piece(None, 0, 60)
        for several in ((), (silence,), (Piece(FILES[0], 0, 60), silence)):
            self.assertIsNone(strip(*several).contiguous())
            self.assertIsNone(strip(*several).whole_file())

    def test_length(self):
        """A strip knows its length and its size."""
        made = strip(Piece(None, 0, 24000), Piece(FILES[0], 0, 60))
        self.assertEqual((made.frames, made.silent_frames, made.frame_bytes), (24060, 24000, 6))
        self.assertEqual((made.seconds, made.bytes), (24060 / 48000, 24060 * 6))

    def test_shapes(self):
        """Files of another format, rate or width are refused, and the sentence says which."""
        for changed, words in (
            ({"rate": 44100}, "at 44100 Hz and the recording .* at 48000 Hz"),
            ({"channels": 1}, "has 1 channels"),
            ({"format": FORMATS["S16_LE"]}, "S16_LE"),
        ):
            audio = captured(**changed)
            with self.assertRaisesRegex(NotAStrip, words):
                strip(Piece(audio, 0, 1))
            with self.assertRaises(NotAStrip):
                strip() + Strip.of(audio)
            # Also where both are silent: the one would be heard at another speed.
            with self.assertRaises(NotAStrip):
                strip() + attrs.evolve(Strip.of(audio), pieces=())

    def test_pieces(self):
        """A piece lies inside its file, and silence begins nowhere else than at its start."""
        Piece(FILES[0], 60, 0)
        for start, frames in ((0, 61), (60, 1), (-1, 2)):
            with self.assertRaisesRegex(NotAStrip, "are not in /captures/a.raw.wav; it holds 60"):
                Piece(FILES[0], start, frames)
        with self.assertRaisesRegex(NotAStrip, "-1 frames long"):
            Piece(None, 0, -1)
        with self.assertRaisesRegex(NotAStrip, "silence begins"):
            Piece(None, 1, 1)

    def test_no_channels(self):
        """A strip has a rate and channels."""
        for rate, channels in ((0, 2), (48000, 0)):
            self.assertRaises(NotAStrip, Strip, FORMATS["U8"], rate, channels, ())
