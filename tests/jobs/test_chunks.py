"""Tests for ``rakkr.jobs.chunks``: a recording in pieces, while it is made."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred

from rakkr.controller.errors import Rejected, Unreachable
from rakkr.controller.messages import CacheRetention
from rakkr.controller.upload import Upload
from rakkr.jobs.ending import Ending, Result
from rakkr.jobs.records import Split
from rakkr.render.errors import RenderFailed
from tests.jobs.making import make_job
from tests.jobs.shop import receipt
from tests.jobs.test_take import RATE, TakeCase

KEEP = CacheRetention(policy_id="p", delete_after_upload=False, max_age_days=7)


class ChunkCase(TakeCase):
    """Chunks of two seconds."""

    def chunked(self, seconds: int, number: int = 1, **command: Any) -> Any:
        """A job in pieces."""
        return make_job(number, duration_seconds=seconds, chunk_seconds=2, **command)

    def sent(self, number: int = 1) -> list[tuple[int | None, int | None, float | None]]:
        """Chunk, chunk total and seconds of each upload of a job."""
        return [
            (upload.chunk, upload.chunk_total, upload.duration_seconds)
            for _, recording, upload in self.controller.named("upload_cache_file")
            if recording == f"rec_{number}"
        ]

    def ranges(self, number: int = 1) -> list[tuple[int, int]]:
        """The frames of each receipt, by part."""
        receipts = self.remembered(number).receipts
        return [(receipts[part].start_frame, receipts[part].end_frame) for part in sorted(receipts)]

    def failing(self, *answers: Any) -> None:
        """Let the next uploads be answered like that, and all others be taken."""
        self.controller.answers["upload_cache_file"] = [*answers, receipt]


class OrderTests(ChunkCase):
    """Exact ranges, in order, while it records."""

    def test_while_it_records(self) -> None:
        """A chunk goes as soon as it is known that another follows, and has its own name."""
        done = self.begin(self.chunked(6))
        self.shop.record(2)
        self.assertEqual(self.sent(), [])
        self.shop.record(1)
        self.assertEqual(self.sent(), [(0, None, 2.0)])
        self.assertEqual(self.shop.uploads()[0][1], "rec_1.chunk-0000.flac")
        self.assertNoResult(done)
        self.shop.play(5)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])

    def test_total_only_on_the_last(self) -> None:
        """How many there are is said with the last one alone."""
        done = self.begin(self.chunked(6))
        self.shop.play(8)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.sent(), [(0, None, 2.0), (1, None, 2.0), (2, 3, 2.0)])

    def test_exact_ranges(self) -> None:
        """The chunks are the captured frames, none twice and none missing; the last is the rest."""
        done = self.begin(self.chunked(7))
        self.shop.play(9)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        edges = [0, 2 * RATE, 4 * RATE, 6 * RATE, 7 * RATE]
        self.assertEqual(self.ranges(), list(itertools.pairwise(edges)))
        self.assertEqual(sum(strip.frames for strip in self.shop.strips), 7 * RATE)
        self.assertEqual(self.told_of("capture_accounted")["capturedFrames"], 7 * RATE)
        completed = self.told_of("chunked_completed")
        self.assertEqual((completed["chunkTotal"], completed["chunkSeconds"]), (4, 2))

    def test_shorter_than_one(self) -> None:
        """A window shorter than a chunk is one chunk, the first and last."""
        done = self.begin(self.chunked(1))
        self.shop.play(3)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.sent(), [(0, 1, 1.0)])

    def test_files_are_cleared(self) -> None:
        """A chunk's file is gone when its receipt is there; the capture stays."""
        done = self.begin(self.chunked(6))
        self.shop.play(8)
        self.successResultOf(done)
        self.assertEqual(self.shop.captures(), ["rec_1.raw.wav"])

    def test_stop(self) -> None:
        """A stop ends the recording, and the last chunk says how many there are."""
        done = self.begin(self.chunked(600))
        self.shop.record(5)
        self.stop()
        self.shop.play(4)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        (*_, last) = self.sent()
        self.assertEqual(last[:2], (len(self.sent()) - 1, len(self.sent())))
        self.assertEqual(self.ranges()[-1][1], sum(strip.frames for strip in self.shop.strips))


class RetryTests(ChunkCase):
    """Uploads that fail."""

    def test_in_order_while_it_records(self) -> None:
        """A chunk that fails is tried until it is taken, and only then comes the next one."""
        self.failing(Unreachable("reset"), Rejected(503, "", "cache file"))
        done = self.begin(self.chunked(8))
        self.shop.record(7)
        self.assertEqual([chunk for chunk, _, _ in self.sent()], [0, 0, 0, 1, 2])
        self.shop.play(3)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.sent()[-1][:2], (3, 4))

    def test_render_again(self) -> None:
        """A chunk whose render was killed is rendered again."""
        answers: list[Any] = [RenderFailed("killed"), RenderFailed("killed")]
        self.shop.rendering = lambda: answers.pop(0) if answers else None
        done = self.begin(self.chunked(6))
        self.shop.play(10)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.ranges()[-1], (4 * RATE, 6 * RATE))

    def test_render_fails_for_good(self) -> None:
        """A chunk that can never be made fails the job, once its recording is over; it is kept."""
        self.shop.rendering = lambda: RenderFailed("broken")
        done = self.begin(self.chunked(60))
        self.shop.record(40)
        self.assertNoResult(done)
        self.shop.play(60)
        self.assertEqual(self.endings(done), [Ending.FAILED])
        self.assertEqual(len(self.every("chunk_render_failed")), 1)
        self.assertTrue(self.remembered().is_salvage)
        audio = self.remembered().segments[1].sealed
        assert audio is not None
        self.assertEqual(audio.frames, 60 * RATE)

    def test_render_is_put_right(self) -> None:
        """While it is recorded a chunk is tried until it can be made, and the others follow it."""
        self.shop.rendering = lambda: RenderFailed("broken")
        done = self.begin(self.chunked(60))
        self.shop.record(40)
        self.assertEqual(self.sent(), [])
        self.shop.rendering = lambda: None
        self.shop.play(30)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.ranges()[-1][1], 60 * RATE)

    def hurried(
        self, completed: Callable[[], None]
    ) -> tuple[Deferred[list[Result]], list[int | None]]:
        """
        A stop with several chunks left, whose last one goes first; and the chunks that were taken.

        :param completed: called when the last one completes the job.
        """
        taken: list[int | None] = []

        def answer(_recording: str, upload: Upload) -> Any:
            if self.shop.reactor.seconds() < 24:
                return Unreachable("refused")
            taken.append(upload.chunk)
            if upload.chunk_total is not None:
                self.tell(1, "completed")
                completed()
            return receipt()

        self.controller.answers["upload_cache_file"] = [answer]
        done = self.begin(self.chunked(600))
        self.shop.record(7)
        self.stop()
        self.shop.play(3)
        self.shop.reactor.pump([0.25] * 200)
        return done, taken

    def test_last_one_first(self) -> None:
        """With little time left after a stop, the chunk that completes the job goes first."""
        done, taken = self.hurried(lambda: None)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        last = len(taken) - 1
        self.assertGreater(last, 2)
        self.assertEqual(taken, [0, last, *range(1, last)])
        edges = [edge for pair in self.ranges() for edge in pair]
        self.assertEqual(edges[1:-1:2], edges[2::2])

    def test_too_large_behind_the_last(self) -> None:
        """Chunks before a delivered last one cannot be cut anew: they are kept, and no loop."""

        def slow() -> None:
            self.shop.place.uploads.bytes_per_second = 1e-9

        done, taken = self.hurried(slow)
        self.assertEqual(self.endings(done), [Ending.KEPT])
        self.assertTrue(self.remembered().is_salvage)
        self.assertEqual(len(taken), 2)

    def test_time_enough(self) -> None:
        """With time enough after a stop the order stays."""
        done = self.begin(self.chunked(600))
        self.failing(*[Unreachable("refused")] * 4)
        self.shop.record(7)
        self.stop()
        self.shop.play(3)
        self.shop.reactor.pump([0.25] * 40)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        chunks = [chunk or 0 for chunk, _, _ in self.sent()]
        self.assertEqual(chunks, sorted(chunks))

    def test_lost_job(self) -> None:
        """When the job is lost, nothing more is sent, and what is not delivered is kept."""
        done = self.begin(self.chunked(8))
        self.shop.record(3)
        self.tell(1, "failed", failure_reason="lease_expired")
        self.controller.answers["upload_cache_file"] = [Rejected(409, "", "cache file")]
        self.shop.play(8)
        self.assertEqual(self.endings(done), [Ending.KEPT])
        self.assertTrue(self.remembered().is_salvage)
        self.assertEqual(self.remembered().undelivered[0].start, 2 * RATE)
        partial = self.told_of("chunked_partial")
        self.assertEqual((partial["uploadedChunkCount"], partial["pendingChunkCount"]), (1, 3))
        self.assertEqual(partial["chunkSeconds"], 2)
        self.assertEqual(self.every("chunked_completed"), [])

    def test_lost_before_the_first(self) -> None:
        """Where the controller has no chunk at all, it has no part of the recording."""
        self.controller.answers["upload_cache_file"] = [Rejected(413, "", "cache file")]
        done = self.begin(self.chunked(4))
        self.shop.play(6)
        self.assertEqual(self.endings(done), [Ending.KEPT])
        self.assertEqual(self.every("chunked_partial"), [])

    def test_told_once(self) -> None:
        """A chunk that is refused again and again is told of at the fifth time, and tried on."""
        self.failing(*[Unreachable("refused")] * 4)
        done = self.begin(self.chunked(4))
        self.shop.play(40)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.every("chunk_upload_failed"), [])
        self.setUp()
        self.failing(*[Unreachable("refused")] * 7)
        done = self.begin(self.chunked(4))
        self.shop.play(120)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        told_of = self.told_of("chunk_upload_failed")
        self.assertEqual((told_of["attempts"], told_of["chunkIndex"]), (5, 0))
        self.assertEqual(self.every("cache_upload_failed"), [])


class GapTests(ChunkCase):
    """Chunks of a capture that was lost for a while."""

    def lost(self, **settings: Any) -> Deferred[list[Result]]:
        """Ten seconds, of which those from 3.0 to 7.0 are missing."""
        self.open_shop(**settings)
        done = self.begin(self.chunked(10))
        self.shop.record(3)
        self.shop.devices.identity = None
        self.dies()
        while self.shop.reactor.seconds() < 6.9:
            self.quiet(0.25)
            if self.shop.reactor.last.pid is not None and self.shop.reactor.seconds() < 6:
                self.dies()
        while self.shop.reactor.last.pid is None:
            self.quiet(0.25)
        self.shop.play(9)
        return done

    def test_chunk_in_a_gap(self) -> None:
        """A chunk of a time in which there was nothing is silence of that length."""
        self.assertEqual(self.endings(self.lost()), [Ending.DELIVERED])
        edges = [each * 2 * RATE for each in range(6)]
        self.assertEqual(self.ranges(), list(itertools.pairwise(edges)))
        self.assertEqual([strip.frames for strip in self.shop.strips], [2 * RATE] * 5)
        self.assertEqual(self.shop.strips[2].silent_frames, 2 * RATE)

    def test_joined(self) -> None:
        """Where gaps are joined, a chunk without a sample is still a file that can be sent."""
        self.assertEqual(self.endings(self.lost(capture_gaps="join")), [Ending.DELIVERED])
        self.assertEqual(len(self.sent()), 5)
        self.assertTrue(all(strip.frames for strip in self.shop.strips))


class RestartTests(ChunkCase):
    """An agent that goes on in the middle."""

    def test_next_index(self) -> None:
        """The chunks that have a receipt are not sent again; the count goes on behind them."""
        done = self.begin(self.chunked(10))
        self.shop.record(5)
        self.assertEqual([chunk for chunk, _, _ in self.sent()], [0, 1])
        self.leave(done)
        self.shop.crash()
        crew = self.go_on(1.0)
        self.shop.play(7)
        self.assertEqual(crew.results["job_1"].ending, Ending.DELIVERED)
        self.assertEqual([chunk for chunk, _, _ in self.sent()], [0, 1, 2, 3, 4])
        self.assertEqual(self.sent()[-1], (4, 5, 2.0))
        self.assertEqual(self.ranges()[2], (4 * RATE, 6 * RATE))


class SpaceTests(ChunkCase):
    """Space of delivered chunks, given back while it records."""

    def given_back(self) -> list[int]:
        """Up to which frame, each time."""
        return [length // 4 for _, _, length in self.shop.punched]

    def test_behind_the_receipt(self) -> None:
        """On a short disk what is delivered is given back, up to the receipt and no further."""
        self.shop.disk.tight = True
        done = self.begin(self.chunked(6))
        self.shop.record(5)
        self.assertEqual(self.given_back(), [2 * RATE, 4 * RATE])
        self.shop.play(3)
        self.successResultOf(done)
        self.assertEqual(self.given_back(), [2 * RATE, 4 * RATE, 6 * RATE])
        self.assertEqual(self.remembered().punched, 6 * RATE)

    def test_room_enough(self) -> None:
        """While there is room everything stays until the job is over: a retry may need it."""
        done = self.begin(self.chunked(6))
        self.shop.record(5)
        self.assertEqual(self.given_back(), [])
        self.shop.play(3)
        self.successResultOf(done)
        self.assertEqual(self.given_back(), [6 * RATE])

    def test_written_before_the_act(self) -> None:
        """A hole is in the journals before it is in the file: nobody takes it for silence."""
        self.shop.disk.tight = True
        known: list[int] = []
        punch = self.shop.place.punch

        def see(path: Any, start: int, length: int) -> bool:
            known.append(self.remembered().punched)
            return punch(path, start, length)

        self.shop.place = attrs.evolve(self.shop.place, punch=see)
        done = self.begin(self.chunked(6))
        self.shop.play(8)
        self.successResultOf(done)
        self.assertEqual(known, [2 * RATE, 4 * RATE, 6 * RATE])

    def test_keep_policy(self) -> None:
        """A recording that is to be kept on this node has no holes."""
        self.shop.disk.tight = True
        done = self.begin(self.chunked(6, recorder_cache_retention=KEEP))
        self.shop.play(8)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.shop.punched, [])

    def test_slowest_member(self) -> None:
        """Nothing is given back that another member has not delivered."""
        self.shop.disk.tight = True
        answers = {"rec_2": Unreachable("refused")}
        self.controller.answers["upload_cache_file"] = [
            lambda recording, _: answers.get(recording) or receipt()
        ]
        done = self.begin(self.chunked(8, 1), self.chunked(8, 2))
        self.shop.record(5)
        self.assertEqual(self.ranges(1), [(0, 2 * RATE), (2 * RATE, 4 * RATE)])
        self.assertEqual(self.shop.punched, [])
        answers.clear()
        self.shop.record(2)
        self.assertTrue(self.given_back())
        self.assertLessEqual(self.given_back()[-1], self.ranges(2)[-1][1])
        self.shop.play(20)
        self.assertEqual(self.endings(done), [Ending.DELIVERED] * 2)

    def test_whole_file_beside_it(self) -> None:
        """A member that wants one whole file keeps everything until it is delivered."""
        self.shop.disk.tight = True
        done = self.begin(self.chunked(8, 1), make_job(2, duration_seconds=8))
        self.shop.record(7)
        self.assertEqual(len(self.ranges(1)), 3)
        self.assertEqual(self.shop.punched, [])
        self.shop.play(3)
        self.assertEqual(self.endings(done), [Ending.DELIVERED] * 2)


class SplitTests(ChunkCase):
    """Files that cannot be one."""

    def wav(self, seconds: int = 10) -> Any:
        """A job whose capture is its file."""
        return make_job(duration_seconds=seconds, output_codec="wav", output_file_name="rec_1.wav")

    def test_slow_way(self) -> None:
        """A file that would take longer than a controller waits goes in pieces, with an event."""
        self.shop.place.uploads.bytes_per_second = 1000.0
        done = self.begin(self.wav())
        self.shop.play(12)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        split = self.told_of("upload_split")
        self.assertEqual((split["chunkSeconds"], split["frames"]), (1.0, 10 * RATE))
        self.assertIn("300 s", split["error"])
        self.assertEqual([chunk for chunk, _, _ in self.sent()], list(range(10)))
        self.assertEqual(self.sent()[-1][1], 10)
        self.assertEqual(sum(strip.frames for strip in self.shop.strips), 10 * RATE)
        self.assertNotIn("chunked_started", self.told_types())

    def test_fast_way(self) -> None:
        """The same file in one piece, where the way is fast enough."""
        self.shop.place.uploads.bytes_per_second = 10_000.0
        done = self.begin(self.wav())
        self.shop.play(12)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.sent(), [(None, None, 10.0)])

    def test_no_room_to_render(self) -> None:
        """A render that does not fit on the disk is made in ever smaller pieces."""
        full = RenderFailed("no room", disk_full=True)
        self.shop.disk.free = 3 * RATE * 4
        self.shop.rendering = lambda: full if self.shop.strips[-1].frames > RATE else None
        done = self.begin(make_job(duration_seconds=4))
        self.shop.play(6)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertGreaterEqual(self.shop.disk.gave_way, 1)
        (*_, end) = self.ranges()
        self.assertEqual(end[1], 4 * RATE)
        edges = [edge for pair in self.ranges() for edge in pair]
        self.assertEqual((edges[0], edges[1:-1:2]), (0, edges[2::2]))
        self.assertIsInstance(self.remembered().split, Split)

    def test_no_room_at_all(self) -> None:
        """A disk that takes not even a moment of it keeps the capture, and fails the job."""
        self.shop.rendering = lambda: RenderFailed("no room", disk_full=True)
        done = self.begin(make_job(duration_seconds=2))
        self.shop.play(8)
        self.assertEqual(self.endings(done), [Ending.FAILED])
        self.assertTrue(self.remembered().is_salvage)
        self.assertEqual(self.shop.captures(), ["rec_1.raw.wav"])

    def test_restart_in_the_middle(self) -> None:
        """The next agent goes on in pieces, whatever it knows of the way."""
        self.shop.place.uploads.bytes_per_second = 1000.0
        self.controller.answers["upload_cache_file"] = [receipt, receipt, Deferred(), receipt]
        done = self.begin(self.wav(5))
        self.shop.play(6)
        self.assertEqual(len(self.ranges()), 2)
        self.leave(done)
        crew = self.go_on(1.0)
        self.shop.reactor.pump([0.25] * 8)
        self.assertEqual(crew.results["job_1"].ending, Ending.DELIVERED)
        self.assertEqual([chunk for chunk, _, _ in self.sent()], [0, 1, 2, 2, 3, 4])


class NeighbourTests(ChunkCase):
    """The next agent goes on while the capture runs for another job."""

    def test_what_is_left_of_one_that_is_over(self) -> None:
        """Its chunks are cut when it is known again what was recorded, and are no silence."""
        answers: dict[str, list[Any]] = {"rec_1": [receipt(), Deferred()]}

        def answer(recording: str, _: Upload) -> Any:
            mine = answers.get(recording)
            return mine.pop(0) if mine else receipt()

        self.controller.answers["upload_cache_file"] = [answer]
        done = self.begin(self.chunked(600), make_job(2, duration_seconds=12))
        self.shop.record(5)
        self.stop()
        self.shop.record(1)
        self.assertEqual(len(self.ranges()), 1)
        self.assertIsNotNone(self.remembered().recorded)
        self.leave(done)
        self.shop.strips.clear()
        self.shop.rendered.clear()
        self.shop.reading = 0.1
        crew = self.go_on()
        self.shop.play(8)
        self.assertEqual(crew.results["job_1"].ending, Ending.DELIVERED)
        pieces = [
            piece
            for (*_, target), strip in zip(self.shop.rendered, self.shop.strips, strict=True)
            for piece in strip.pieces
            if "rec_1" in target.name
        ]
        self.assertEqual(next(each.frames for each in pieces if each.audio is not None), 2 * RATE)
        self.assertEqual([each for each in pieces if each.audio is None], [])
