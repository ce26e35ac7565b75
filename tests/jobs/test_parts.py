"""Tests for ``rakkr.jobs.parts``."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.jobs.parts import (
    LARGEST_UPLOAD_BYTES,
    LONGEST_UPLOAD_SECONDS,
    Part,
    chunk_file_name,
    chunk_frames_for,
    last_part,
    most_bytes,
    ready_part,
    too_large,
)
from rakkr.render.channels import select_routing
from rakkr.render.codec import Codec
from rakkr.render.plan import RenderPlan

CHUNK = st.integers(1, 500)
LENGTH = st.integers(1, 5000)
START = st.integers(0, 1000)


def plan(codec: Codec, bitrate_kbps: int | None = None) -> RenderPlan:
    """Stereo."""
    return RenderPlan(codec=codec, routing=select_routing((), 2), bitrate_kbps=bitrate_kbps)


def all_parts(start: int, end: int, chunk: int, looks: list[int]) -> list[Part]:
    """The chunks of a recording that is looked at while it grows by so many frames each time."""
    found: list[Part] = []
    reached = start
    growing = list(looks)
    while True:
        first = found[-1].end if found else start
        ended = reached >= end
        part = ready_part(len(found), first, chunk, reached, ended=ended)
        if part is not None:
            found.append(part)
        elif ended:
            return found
        else:
            reached = min(end, reached + (growing.pop() if growing else end))


class ReadyPartTests(SynchronousTestCase):
    """Chunks of a recording that grows."""

    @given(START, LENGTH, CHUNK, st.lists(st.integers(1, 700), max_size=20))
    def test_exact(self, start: int, length: int, chunk: int, looks: list[int]) -> None:
        """However it grows: in order, each frame once, all of one length but the last."""
        end = start + length
        parts = all_parts(start, end, chunk, looks)
        self.assertEqual(sum(each.frames for each in parts), length)
        self.assertEqual([each.start for each in parts], [start, *(e.end for e in parts[:-1])])
        self.assertTrue(all(each.frames == chunk for each in parts[:-1]))
        self.assertTrue(0 < parts[-1].frames <= chunk)
        self.assertEqual([each.chunk for each in parts], list(range(len(parts))))
        totals = [each.chunk_total for each in parts]
        self.assertEqual(totals, [None] * (len(parts) - 1) + [len(parts)])

    def test_not_before_another_follows(self) -> None:
        """A chunk that is just full may be the last one, so it waits for one frame more."""
        self.assertIsNone(ready_part(0, 0, 100, 100, ended=False))
        self.assertEqual(ready_part(0, 0, 100, 101, ended=False), Part(0, 0, 100, 0))
        self.assertEqual(ready_part(0, 0, 100, 100, ended=True), Part(0, 0, 100, 0, 1))

    def test_nothing_left(self) -> None:
        """A recording that ended where the last chunk did has no more of them."""
        self.assertIsNone(ready_part(3, 300, 100, 300, ended=True))

    @given(START, LENGTH, CHUNK)
    def test_last_part(self, start: int, length: int, chunk: int) -> None:
        """The last chunk is the same one, also when it is asked for first."""
        end = start + length
        self.assertEqual(last_part(0, start, end, chunk), all_parts(start, end, chunk, [])[-1])


class SizeTests(SynchronousTestCase):
    """What is too large for one upload."""

    def test_bytes(self) -> None:
        """A controller takes 2 GiB less one byte, and not one more."""
        self.assertIsNone(too_large(LARGEST_UPLOAD_BYTES, None))
        self.assertIn("2147483648 bytes", too_large(LARGEST_UPLOAD_BYTES + 1, None) or "")

    def test_seconds(self) -> None:
        """At the measured rate an upload may take 240 s, and no longer."""
        self.assertIsNone(too_large(int(LONGEST_UPLOAD_SECONDS * 1000), 1000.0))
        self.assertIn("300 s", too_large(int(LONGEST_UPLOAD_SECONDS * 1000) + 1, 1000.0) or "")

    @given(st.floats(1, 1e9), st.none() | st.integers(0, 1 << 40))
    def test_most(self, rate: float, free: int | None) -> None:
        """A chunk as large as it may become is never too large, and fits twice on the disk."""
        most = most_bytes(rate, free)
        self.assertGreaterEqual(most, 1)
        if most > 1:
            self.assertIsNone(too_large(most, rate))
        if free is not None and free >= 2:
            self.assertLessEqual(2 * most, free)

    @given(
        st.sampled_from(["wav", "flac", "mp3"]),
        st.integers(1, 64),
        st.sampled_from([8000, 44_100, 48_000, 192_000]),
        st.integers(5000, LARGEST_UPLOAD_BYTES),
    )
    def test_chunk_frames(self, codec: Codec, frame_bytes: int, rate: int, most: int) -> None:
        """A chunk's samples fit, and where a second fits, it has whole seconds."""
        frames = chunk_frames_for(plan(codec, 128), frame_bytes, rate, most)
        self.assertGreaterEqual(frames, 1)
        if frames > rate // 1000:
            size = frames * 128 * 125 / rate if codec == "mp3" else frames * frame_bytes
            self.assertLessEqual(size, most)
        if frames >= rate:
            self.assertEqual(frames % rate, 0)

    def test_second_or_not(self) -> None:
        """Both sides of the room for one second of stereo S16."""
        second = 48_000 * 4
        self.assertEqual(chunk_frames_for(plan("wav"), 4, 48_000, second + 4096), 48_000)
        self.assertEqual(chunk_frames_for(plan("wav"), 4, 48_000, second + 4095), 47_999)
        self.assertEqual(chunk_frames_for(plan("wav"), 4, 48_000, 0), 48)

    @given(st.integers(1, 5000))
    def test_mp3_without_a_bit_rate(self, kilobytes: int) -> None:
        """An MP3 whose bit rate is not known is taken for the largest there is."""
        most = kilobytes * 1000
        assume(most > 50_000)
        frames = chunk_frames_for(plan("mp3"), 4, 48_000, most)
        self.assertLessEqual(frames / 48_000 * 320_000 / 8, most)


class NameTests(SynchronousTestCase):
    """What a controller is told of a chunk's name."""

    def test_names(self) -> None:
        """The number comes before the ending, and nothing but the last component counts."""
        self.assertEqual(chunk_file_name("talk.flac", 3), "talk.chunk-0003.flac")
        self.assertEqual(chunk_file_name("a/b c.tar.mp3", 12_345), "b_c.tar.chunk-12345.mp3")
        self.assertEqual(chunk_file_name("talk", 0), "talk.chunk-0000")
