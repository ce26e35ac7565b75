"""A capture that is announced, wanted, let go, and adopted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred, fail

from rakkr.audio import wave
from rakkr.capture.capture import Capture, adopt_capture, start_capture
from rakkr.capture.dropouts import Dropouts
from rakkr.capture.outcome import Completed, Failed, StartFailed
from rakkr.capture.request import CaptureLimits
from rakkr.capture.surroundings import Surroundings
from rakkr.capture.trace import Trace
from rakkr.process_identity import ProcessIdentity
from tests.capture.case import SECOND, CaptureCase
from tests.capture.requests import request
from tests.fakes.processes import FakeWatcher
from tests.test_process_identity import FakeProc

_BOOT = "c39645cf-2194-4e10-8f88-d4c5e6d12cbe"
_SHIM = ("python", "shim.py")


class LifeCase(CaptureCase):
    def setUp(self) -> None:
        """Have a directory like ``/proc``, and a reactor that watches descriptors."""
        super().setUp()
        self.proc = FakeProc(self.directory / "proc")
        self.watcher = FakeWatcher()
        self.leash = self.path.with_name("take.leash")
        self.exit = self.path.with_name("take.exit")

    def surroundings(self, *, shim: tuple[str, ...] = ()) -> Surroundings:
        """Give what a capture needs."""
        return Surroundings(
            spawner=self.reactor,
            clock=self.reactor,
            in_thread=self.threads,
            env={"PATH": str(self.directory / "bin")},
            shim=shim,
            watcher=self.watcher,
            proc=self.proc.path,
        )

    def announce(self, trace: Trace) -> Deferred[None]:
        """Take the trace, and answer when the test says so."""
        self.announced = trace
        self.answer: Deferred[None] = Deferred()
        return self.answer

    def begin(self, announce: Any = None, *, shim: tuple[str, ...] = (), **changes: Any) -> Capture:
        """Start a capture of ten seconds."""
        wish = request(path=self.path, **changes)
        more = () if announce is None else (announce,)
        return start_capture(wish, CaptureLimits(), self.surroundings(shim=shim), *more)


class AnnounceTests(LifeCase):
    def test_first_written_down_then_begun(self) -> None:
        """No program is called before the announcement is done; its files are there before."""
        capture = self.begin(self.announce)
        spawned = capture.when_spawned()
        self.assertEqual(self.reactor.spawned, [])
        self.assertEqual(self.announced.path, self.path)
        self.assertTrue(self.path.exists() and self.announced.messages.exists())
        self.assertIsNone(self.announced.identity)
        self.assertEqual((self.announced.wanted, self.announced.boot_id), (80000, _BOOT))
        self.reactor.advance(1.5)
        self.proc.process(1 << 23, start=321)
        self.answer.callback(None)
        self.successResultOf(spawned)
        self.assertEqual(capture.trace.identity, ProcessIdentity(1 << 23, 321, _BOOT))
        self.assertEqual(capture.trace.spawned_at, 1.5)
        self.assertEqual(Trace.from_json(capture.trace.as_json()), capture.trace)
        self.run_for(1)
        self.reactor.last.exits(0)
        self.outcome(capture)

    def test_an_announcement_that_fails(self) -> None:
        """An announcement that fails is logged, and the capture goes on."""
        capture = self.begin(lambda trace: fail(OSError(28, "No space left on device")))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.run_for(1)
        self.reactor.last.exits(0)
        self.assertIsInstance(self.outcome(capture), Completed)

    def test_an_announcement_that_hangs(self) -> None:
        """A disk that does not answer holds the sound up for two seconds at most."""
        capture = self.begin(self.announce)
        self.reactor.advance(1.9)
        self.assertEqual(self.reactor.spawned, [])
        self.reactor.advance(0.2)
        self.assertEqual(len(self.reactor.spawned), 1)
        self.answer.callback(None)
        self.run_for(1)
        self.reactor.last.exits(0)
        self.assertIsInstance(self.outcome(capture), Completed)

    def test_a_stop_before_the_program(self) -> None:
        """A stop while the announcement is being written calls no program and leaves no file."""
        capture = self.begin(self.announce)
        stopping = capture.stop()
        self.assertNoResult(stopping)
        self.answer.callback(None)
        outcome = self.successResultOf(stopping)
        assert isinstance(outcome, StartFailed)
        self.assertIn("stopped before it began", outcome.error)
        self.assertEqual(self.reactor.spawned, [])
        self.assertEqual(list(self.path.parent.iterdir()), [])

    def test_no_trace(self) -> None:
        """A capture whose files could not be opened has no trace."""
        capture = self.begin(seconds=0)
        self.assertRaises(LookupError, lambda: capture.trace)
        self.assertEqual((capture.heard, capture.frames), ((0, Dropouts()), 0))
        self.successResultOf(capture.when_spawned())


class WantTests(LifeCase):
    def samples(self, tenths: int) -> None:
        """Let the program deliver in real time, and not stop by itself."""
        for _ in range(tenths):
            self.reactor.advance(0.1)
            self.reactor.last.writes(bytes(800 * 4))

    def test_the_window_is_exact(self) -> None:
        """What a program delivers beyond the wanted frames is cut off, and the rest is whole."""
        capture = self.begin()
        self.samples(102)
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.reactor.last.exits(1)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Completed)
        self.assertEqual((outcome.audio.frames, outcome.audio.wav), (80000, True))
        self.assertEqual(self.path.stat().st_size, wave.HEADER_BYTES + 80000 * 4)
        assert outcome.timing is not None
        self.assertAlmostEqual(outcome.timing.ended_at, 10.0, places=1)

    def test_longer_shorter_endless(self) -> None:
        """A running capture may be wanted longer, shorter, or until somebody stops it."""
        for wanted, tenths in ((120000, 150), (40000, 50), (None, None)):
            capture = self.begin()
            self.samples(30)
            capture.want(wanted)
            if tenths is None:
                self.samples(300)
                self.assertEqual(self.reactor.last.signals, [])
                capture.stop()
            else:
                self.samples(tenths - 31)
                self.assertEqual(self.reactor.last.signals, [])
                self.samples(4)
            self.assertEqual(self.reactor.last.signals, ["INT"])
            self.reactor.last.exits(1)
            outcome = self.outcome(capture)
            assert isinstance(outcome, Completed)
            self.assertEqual(outcome.audio.frames, wanted or 330 * 800)

    def test_less_than_there_is(self) -> None:
        """A capture that has more than is wanted ends at the next look, with what is wanted."""
        capture = self.begin()
        self.samples(50)
        capture.want(8000)
        self.reactor.advance(0.02)
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.reactor.last.exits(1)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Completed)
        self.assertEqual(outcome.audio.frames, 8000)
        capture.want(99)  # too late, and no harm

    def test_all_frames_and_a_bad_exit(self) -> None:
        """When all wanted frames are there, it does not matter how the program ended."""
        capture = self.begin(seconds=2)
        self.run_for(1)
        self.reactor.last.writes(SECOND)
        self.reactor.last.exits(None, 11)
        self.assertIsInstance(self.outcome(capture), Completed)

    def test_lost_samples(self) -> None:
        """Samples that never reached the file are counted, though nobody reported them."""
        capture = self.begin(seconds=600)
        self.samples(20)
        self.reactor.pump([0.1] * 30)
        self.samples(20)
        self.reactor.advance(0.1)
        capture.stop()
        self.reactor.last.exits(1)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Completed)
        assert outcome.timing is not None
        self.assertEqual(outcome.timing.missing_frames, 3 * 8000)
        self.assertEqual(outcome.timing.started_at, capture.started_at)


class ShimTests(LifeCase):
    def until(self) -> float:
        """Say until when the program may run without an agent."""
        return float(self.leash.read_text("ascii"))

    def test_called_through_the_shim(self) -> None:
        """The program is called through the shim, with its leash written before."""
        capture = self.begin(shim=_SHIM)
        words = [*_SHIM, str(self.leash), str(self.exit), *capture.argv]
        self.assertEqual(self.reactor.last.argv, words)
        self.assertEqual((capture.command, capture.trace.leash), ("arecord", self.leash))
        self.assertAlmostEqual(self.until(), 20.0)
        self.reactor.last.exits(0)
        self.outcome(capture)

    def test_the_leash_follows(self) -> None:
        """The leash is longer while no sample comes or more is wanted, and shorter for less."""
        capture = self.begin(shim=_SHIM)
        self.reactor.pump([0.1] * 50)
        self.assertIn(round(self.until() - 25.0), (-1, 0, 1))
        self.run_for(3)
        self.assertIn(round(self.until() - 25.0), (-1, 0, 1))
        capture.want(800_000)
        self.assertIn(round(self.until() - 115.0), (-1, 0, 1))
        capture.want(40_000)
        self.assertIn(round(self.until() - 20.0), (-1, 0, 1))
        self.reactor.last.exits(0)
        self.outcome(capture)
        self.assertEqual([each.name for each in self.path.parent.iterdir()], [self.path.name])

    def test_its_word_counts(self) -> None:
        """A program that its leash ended was asked to end, and the note says when."""
        capture = self.begin(shim=_SHIM, seconds=600)
        self.run_for(2)
        note = '{"code": 1, "signal": null, "endedAt": 1.75, "leash": true}'
        self.exit.write_text(note, encoding="ascii")
        self.reactor.last.exits(1)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Completed)
        assert outcome.timing is not None
        self.assertEqual(outcome.timing.ended_at, 1.75)
        self.assertTrue(outcome.ended_early)

    def test_a_leash_that_cannot_be_written(self) -> None:
        """A leash that cannot be written does not hurt the capture."""
        self.path.parent.mkdir()
        self.leash.mkdir()
        capture = self.begin(shim=_SHIM)
        self.run_for(1)
        self.flushLoggedErrors(OSError)
        self.reactor.last.exits(0)
        self.assertIsInstance(self.outcome(capture), Completed)


class AdoptTests(LifeCase):
    def left(self, seconds: int = 2, **changes: Any) -> Trace:
        """Leave a capture of so many seconds that runs, as an agent that was killed."""
        capture = self.begin(**changes)
        self.run_for(seconds)
        capture.let_go()
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.proc.process(77, group=77)
        return attrs.evolve(capture.trace, identity=ProcessIdentity(77, 500, _BOOT))

    def adopt(self, trace: Trace) -> Capture:
        """Adopt the capture; real pidfds know nothing of our processes."""
        return adopt_capture(
            request(path=self.path),
            trace,
            CaptureLimits(),
            attrs.evolve(self.surroundings(), watcher=None),
        )

    def gone(self) -> None:
        """Let the process end, which is looked for."""
        (self.proc.path / "77" / "stat").unlink()
        self.reactor.advance(0.2)

    def test_it_goes_on(self) -> None:
        """An adopted capture grows, ends in an unknown way, and is whole when all is there."""
        capture = self.adopt(self.left())
        self.assertEqual((capture.pid, capture.frames, capture.path), (77, 16000, self.path))
        self.assertIsNotNone(self.successResultOf(capture.when_started()))
        self.run_for(8)
        self.assertEqual(capture.frames, 80000)
        self.gone()
        outcome = self.outcome(capture)
        assert isinstance(outcome, Completed)
        self.assertEqual((outcome.audio.frames, outcome.stopped), (80000, False))

    def test_it_ends_too_early(self) -> None:
        """An adopted capture that ends before its time has failed, with all it has."""
        capture = self.adopt(self.left())
        self.reactor.last.writes(b"read error: No such device\n", 2)
        self.gone()
        outcome = self.outcome(capture)
        assert isinstance(outcome, Failed)
        self.assertIn("ended while no agent watched it: read error", outcome.error)
        assert outcome.audio is not None
        self.assertEqual(outcome.audio.frames, 16000)

    def test_the_shim_tells(self) -> None:
        """What the shim wrote down is what counts, once the process is gone."""
        capture = self.adopt(self.left())
        self.exit.write_text('{"code": 3, "signal": null, "endedAt": 2.0}', encoding="ascii")
        self.gone()
        outcome = self.outcome(capture)
        assert isinstance(outcome, Failed)
        self.assertIn("failed with status exit status: 3", outcome.error)

    def test_one_that_has_ended(self) -> None:
        """A capture that has ended is concluded at once, and nothing is cut off."""
        trace = attrs.evolve(self.left(), wanted=8000)
        (self.proc.path / "77" / "stat").unlink()
        outcome = self.outcome(self.adopt(trace))
        assert isinstance(outcome, Completed)
        self.assertEqual(outcome.audio.frames, 16000)
        assert outcome.timing is not None
        self.assertEqual(outcome.timing.started_at, trace.started_at)
        self.assertAlmostEqual(outcome.timing.ended_at, (trace.started_at or 0.0) + 2.0)

    def test_of_an_earlier_boot(self) -> None:
        """The times of a capture of an earlier boot are of its own clock."""
        trace = attrs.evolve(
            self.left(), boot_id="another", identity=None, spawned_at=9e6, started_at=None
        )
        capture = self.adopt(trace)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Failed)
        assert outcome.timing is not None
        self.assertEqual((outcome.timing.started_at, outcome.timing.ended_at), (9e6, 9e6 + 2))
        self.assertEqual(capture.started_at, 9e6)

    def test_what_is_wanted_comes_first(self) -> None:
        """An adopter says what is wanted before anything is ended because of an old number."""
        capture = self.adopt(attrs.evolve(self.left(), wanted=100))
        capture.want(80000)
        self.run_for(3)
        self.assertEqual(capture.trace.wanted, 80000)
        self.assertIsNotNone(capture.pid)
        self.gone()
        outcome = self.outcome(capture)
        assert isinstance(outcome, Failed)
        assert outcome.audio is not None
        self.assertEqual(outcome.audio.frames, 40000)

    def test_dropouts_go_on(self) -> None:
        """Losses that were counted before the adoption are in the outcome, once."""
        capture = self.begin()
        self.run_for(1)
        self.reactor.last.writes(b"overrun!!! (at least 12.5 ms long)\n", 2)
        self.run_for(1)
        self.assertEqual(capture.heard, (35, Dropouts(1, 12.5)))
        capture.let_go()
        self.proc.process(77, group=77)
        trace = attrs.evolve(capture.trace, identity=ProcessIdentity(77, 500, _BOOT))
        adopted = self.adopt(trace)
        self.reactor.last.writes(b"overrun!!! (at least 7.5 ms long)\n", 2)
        self.gone()
        outcome = self.outcome(adopted)
        assert isinstance(outcome, Failed)
        self.assertEqual(outcome.dropouts, Dropouts(2, 20.0))

    def test_a_file_that_is_gone(self) -> None:
        """Without its file nothing is left of a capture, and that is said."""
        trace = self.left()
        (self.proc.path / "77" / "stat").unlink()
        trace.path.unlink()
        outcome = self.outcome(self.adopt(trace))
        assert isinstance(outcome, Failed)
        self.assertEqual(
            outcome.error, f"{trace.path} cannot be taken over: No such file or directory"
        )
        self.assertIsNone(outcome.audio)

    def test_no_descriptor_stays(self) -> None:
        """A capture that was adopted and has ended leaves no descriptor open."""
        trace = self.left()
        (self.proc.path / "77" / "stat").unlink()
        before = sorted(Path("/proc/self/fd").iterdir())
        self.outcome(self.adopt(trace))
        self.assertEqual(sorted(Path("/proc/self/fd").iterdir()), before)


class LetGoTests(LifeCase):
    def test_nothing_happens_any_more(self) -> None:
        """A capture that was let go ends no program, and says nothing of its end."""
        capture = self.begin()
        self.run_for(1)
        capture.let_go()
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.reactor.pump([1.0] * 60)
        self.reactor.last.exits(0)
        self.assertEqual(self.reactor.last.signals, [])
        self.assertIsNone(capture.outcome)
        self.assertTrue(Path(capture.path).exists())

    def test_before_the_program(self) -> None:
        """A capture that is let go while it is announced calls no program any more."""
        capture = self.begin(self.announce)
        capture.let_go()
        self.answer.callback(None)
        self.assertEqual(self.reactor.spawned, [])
