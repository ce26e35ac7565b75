"""The disk is looked after while anything records."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.pcm import FORMATS
from rakkr.disk.forecast import Rung
from rakkr.disk.need import HEADER_BYTES, CaptureLoad, Short
from rakkr.disk.notices import Concerned, Swept
from rakkr.disk.reserve import Reserve
from rakkr.disk.space import LOOK_SECONDS, Space
from rakkr.disk.watch import (
    FRESH_SECONDS,
    LOOK_EVERY,
    RESERVE_EVERY,
    SWEEP_EVERY,
    DiskWatch,
    Running,
)
from tests.disk.statistics import Disk
from tests.fakes.evidence import Noted
from tests.fakes.threads import FakeThreads

JOB = Concerned("job_1", "rec_1")
# A kilobyte a second for ten hours.
LOAD = CaptureLoad(format=FORMATS["U8"], rate=1000, channels=1, seconds=36_000)
ENOUGH = 36_000_000 + HEADER_BYTES
RECORDS = Running((LOAD,), (), (JOB,))
REC = Path("/rec")


class WatchCase(SynchronousTestCase):
    """A watch whose surroundings the test decides about."""

    def setUp(self) -> None:
        self.clock, self.threads, self.noted = Clock(), FakeThreads(), Noted()
        self.disk = Disk(ENOUGH)
        self.running = RECORDS
        self.sweeps: list[int] = []
        self.made_free = 0
        self.swept = Swept(deleted=1)
        self.sweeping: Deferred[None] | None = None
        self.watch = self.make()

    def make(self, reserve: Reserve | None = None) -> DiskWatch:
        """Make the watch."""
        return DiskWatch(
            REC,
            clock=self.clock,
            in_thread=self.threads,
            statvfs=self.disk,
            running=lambda: self.running,
            sweep=self.sweep,
            emit=self.noted.emit,
            reserve=reserve,
        )

    async def sweep(self, required: int) -> Swept:
        """Make what room the test allows."""
        self.sweeps.append(required)
        if self.sweeping is not None:
            await self.sweeping
        self.disk.free += self.made_free
        return self.swept

    def names(self) -> list[str]:
        """The events so far without their prefixes, each with its severity."""
        return [f"{t.rpartition('disk_space_')[2]} {s}" for t, s, _, _ in self.noted.events]

    def start(self) -> None:
        """Begin to look, until the test is over."""
        self.watch.startService()
        self.addCleanup(self.stop)

    def stop(self) -> None:
        """Stop, and leave nothing behind."""
        self.successResultOf(self.watch.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def later(self, seconds: float = LOOK_EVERY) -> None:
        """Let time pass."""
        self.clock.pump([LOOK_EVERY] * int(seconds / LOOK_EVERY))

    def allowed(self) -> tuple[Rung, bool, bool]:
        """The rung, and whether optional things may be written, and renders made."""
        watch = self.watch
        return watch.rung, watch.optional_writers_allowed, watch.may_render()


class LookTests(WatchCase):
    def test_fine(self) -> None:
        """With room enough nothing is swept, reported or forbidden, and the figures are known."""
        self.assertEqual((self.watch.free_bytes, self.watch.age), (None, None))
        self.start()
        self.assertEqual((self.watch.free_bytes, self.watch.age), (ENOUGH, 0.0))
        self.clock.advance(1)
        self.assertEqual(self.watch.age, 1.0)
        self.assertEqual(self.allowed(), (Rung.FINE, True, True))
        self.assertAlmostEqual(self.watch.seconds_left or 0, 36_004.096)
        self.assertEqual((self.sweeps, self.noted.events), ([], []))

    def test_only_while_anything_records(self) -> None:
        """Nobody asks the disk while nothing records; a capture that begins is seen soon."""
        self.running = Running()
        self.start()
        self.later(50)
        self.assertEqual(self.disk.asked, [])
        self.running = RECORDS
        self.later()
        self.assertEqual(self.disk.asked, [REC])

    def test_the_ladder(self) -> None:
        """Each rung forbids more; none of them ends anything."""
        self.start()
        for free, allowed in (
            (ENOUGH - 1, (Rung.SWEEP, True, True)),
            (3_600_000, (Rung.SHED, False, True)),
            (1_800_000, (Rung.DELAY_RENDERS, False, False)),
            (600_000, (Rung.LAST_MINUTES, False, False)),
            (0, (Rung.LAST_MINUTES, False, False)),
            (10**9, (Rung.FINE, True, True)),
        ):
            self.disk.free = free
            self.later()
            self.assertEqual(self.allowed(), allowed)

    def test_a_sweep_that_helps(self) -> None:
        """A sweep that makes the room is all that happens, and no warning is given."""
        self.start()
        self.disk.free, self.made_free = ENOUGH - 1, 10**9
        self.later(20)
        self.assertEqual(self.names(), ["cleanup_attempted info"])
        self.assertEqual(self.sweeps, [ENOUGH])
        self.assertEqual(self.watch.rung, Rung.FINE)

    def test_a_sweep_that_does_not_help(self) -> None:
        """What is still short after the sweep is a warning, once, and its end is reported."""
        self.start()
        self.disk.free, self.swept = ENOUGH - 1, Swept(scanned=3)
        self.later()
        self.assertEqual(self.names(), [])
        self.later(30)
        self.assertEqual(self.names(), ["low warning"])
        self.disk.free = 10**9
        self.later(20)
        self.assertEqual(self.names(), ["low warning", "runtime_recovered info"])
        # And the next shortage is another one.
        self.disk.free = ENOUGH - 1
        self.later()
        self.assertEqual(self.names()[2:], [])
        self.later(20)
        self.assertEqual(self.names()[2:], ["low warning"])

    def test_ten_minutes(self) -> None:
        """Ten minutes left are critical at once."""
        self.start()
        self.disk.free, self.swept = 600_000, Swept()
        self.later()
        self.assertEqual(self.names(), ["low critical"])
        details = self.noted.details("agent.recording_job.disk_space_low")
        self.assertEqual((details["secondsLeft"], details["rung"]), (600, "last_minutes"))

    def test_it_gets_worse(self) -> None:
        """Every rung downwards tries a sweep; on the same one it is tried once a minute."""
        self.start()
        self.disk.free, self.swept = ENOUGH - 1, Swept()
        self.later(SWEEP_EVERY)
        self.assertEqual(len(self.sweeps), 1)
        self.later()
        self.assertEqual(len(self.sweeps), 2)
        self.disk.free = 3_600_000
        self.later()
        self.assertEqual(len(self.sweeps), 3)

    def test_errors_of_sweeps_are_reported_once(self) -> None:
        """A file that cannot be deleted is not reported every minute; one that was deleted is."""
        self.start()
        self.disk.free, self.swept = ENOUGH - 1, Swept(errors=1)
        self.later(3 * SWEEP_EVERY)
        self.assertEqual(self.names(), ["cleanup_attempted warning", "low warning"])
        self.swept = Swept(deleted=1, errors=1)
        self.later(SWEEP_EVERY)
        self.assertEqual(self.names()[2:], ["cleanup_attempted warning"])

    def test_a_sweep_that_hangs(self) -> None:
        """The looks go on, the warning comes, and there is still only one sweep."""
        self.start()
        self.disk.free, self.sweeping = ENOUGH - 1, Deferred()
        self.later(50)
        self.assertEqual(self.names(), ["cleanup_skipped warning", "low warning"])
        self.disk.free = 600_000
        self.later(2 * SWEEP_EVERY)
        self.assertEqual(self.names()[2:], ["low critical"])
        self.assertEqual(len(self.sweeps), 1)

    def test_sweeps_that_fail(self) -> None:
        """That nothing can be swept is reported once in a shortage, though it is tried again."""
        self.start()
        self.disk.free, self.sweeping = ENOUGH - 1, Deferred()
        self.sweeping.errback(OSError("no config"))
        self.later()
        self.sweeping = Deferred()
        self.later(SWEEP_EVERY)
        self.sweeping.errback(OSError("no config"))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 2)
        self.assertEqual(len(self.sweeps), 2)
        self.assertEqual(self.names(), ["cleanup_skipped warning", "low warning"])

    def test_stopped_while_it_sweeps(self) -> None:
        """A stop ends a sweep that is under way; the usual end of a test sees that."""
        self.start()
        self.disk.free, self.sweeping = ENOUGH - 1, Deferred()
        self.later()
        self.assertEqual(len(self.sweeps), 1)

    def test_the_end_of_the_recordings(self) -> None:
        """When nothing records any more the disk is fine, and those who were told are told so."""
        self.start()
        self.disk.free, self.swept = 600_000, Swept()
        self.later()
        self.running = Running()
        self.later()
        self.assertEqual(self.allowed(), (Rung.FINE, True, True))
        self.assertIsNone(self.watch.seconds_left)
        self.assertEqual(self.names(), ["low critical", "runtime_recovered info"])

    def test_a_disk_that_gives_errors(self) -> None:
        """The last rung stays, with the age of its answer, and the complaint is made once."""
        self.start()
        self.disk.free, self.swept = 1_800_000, Swept()
        self.later()
        self.disk.error = OSError(5, "Input/output error")
        with capturedLogs() as logs:
            self.later(30)
        self.assertEqual(len([e for e in logs if "Input/output" in e.get("why", "")]), 1)
        self.assertEqual(self.watch.rung, Rung.DELAY_RENDERS)
        self.assertEqual((self.watch.free_bytes, self.watch.age), (1_800_000, 30.0))

    def test_a_disk_that_hangs(self) -> None:
        """One thread is held, not one for every look, and a stop does not wait for it."""
        self.threads.held = []
        self.start()
        self.later(100)
        self.assertEqual(len(self.threads.held), 1)
        self.assertEqual(self.allowed(), (Rung.FINE, True, True))


class PreflightTests(WatchCase):
    """Room for one more."""

    def preflight(self) -> Short | None:
        """Ask for a second capture like the one that runs."""
        return self.successResultOf(self.watch.preflight(LOAD, JOB))

    def test_room(self) -> None:
        """With exactly enough for what runs and what is to begin nothing happens."""
        self.disk.free = 2 * ENOUGH
        self.assertIsNone(self.preflight())
        self.assertEqual((self.names(), self.sweeps), ([], []))

    def test_a_sweep_that_helps(self) -> None:
        """When it is short by one byte a sweep is made, and what it did is reported."""
        self.disk.free, self.made_free = 2 * ENOUGH - 1, 1
        self.assertIsNone(self.preflight())
        self.assertEqual(self.names(), ["cleanup_attempted info", "recovered info"])
        self.assertEqual(self.sweeps, [2 * ENOUGH])
        details = self.noted.details("agent.recording_job.disk_space_recovered")
        freed = (details["initialFreeBytes"], details["freeBytes"])
        self.assertEqual(freed, (2 * ENOUGH - 1, 2 * ENOUGH))

    def test_short_for_good(self) -> None:
        """What is short after the sweep is refused with the figures of the second look."""
        self.disk.free, self.made_free = 1000, 5
        short = self.preflight()
        self.assertEqual(short, Short(2 * ENOUGH, 1005, "/rec"))
        self.assertEqual(self.names(), ["cleanup_attempted info", "insufficient critical"])

    def test_nothing_to_sweep(self) -> None:
        """A sweep that found nothing is not worth an event."""
        self.disk.free, self.swept = 1000, Swept(scanned=9)
        self.assertIsNotNone(self.preflight())
        self.assertEqual(self.names(), ["insufficient critical"])

    def test_a_sweep_that_fails(self) -> None:
        """A sweep that fails is reported, and does not hide that there is no room."""
        self.disk.free, self.sweeping = 1000, Deferred()
        waiting = Deferred.fromCoroutine(self.watch.preflight(LOAD, JOB))
        self.assertNoResult(waiting)
        self.sweeping.errback(OSError("no config"))
        self.assertIsNotNone(self.successResultOf(waiting))
        self.assertEqual(self.names(), ["cleanup_skipped warning", "insufficient critical"])
        self.flushLoggedErrors(OSError)

    def test_a_disk_that_does_not_answer(self) -> None:
        """A recording is not refused because nobody knows; a fresh answer still counts."""
        self.disk.error = OSError(5, "Input/output error")
        self.assertIsNone(self.preflight())
        self.disk.error, self.disk.free = None, 1000
        self.assertIsNotNone(self.preflight())
        self.disk.error = OSError(5, "Input/output error")
        self.clock.advance(FRESH_SECONDS)
        self.assertIsNotNone(self.preflight())
        self.clock.advance(0.1)
        self.assertIsNone(self.preflight())

    def test_a_disk_that_hangs(self) -> None:
        """A recording waits a few seconds for a dead disk, and then begins."""
        self.threads.held = []
        waiting = Deferred.fromCoroutine(self.watch.preflight(LOAD, JOB))
        self.clock.advance(LOOK_SECONDS)
        self.assertIsNone(self.successResultOf(waiting))
        self.assertEqual(self.clock.getDelayedCalls(), [])


class ReserveTests(WatchCase):
    """The reserve is made when there is room for it."""

    def setUp(self) -> None:
        super().setUp()
        directory = Path(tempfile.mkdtemp())
        self.space = Space(1 << 30, 1 << 30)
        self.reserve = Reserve(directory, 512 << 10, read=lambda _: self.space)
        self.watch = self.make(self.reserve)

    def test_made_at_the_start(self) -> None:
        """It is there from the start, and again some time after it was given back."""
        self.running = Running()
        self.start()
        self.assertTrue(self.reserve.held)
        self.reserve.release()
        self.later(RESERVE_EVERY - LOOK_EVERY)
        self.assertFalse(self.reserve.held)
        self.later()
        self.assertTrue(self.reserve.held)

    def test_not_while_it_is_short(self) -> None:
        """What was given back to captures is not taken from them again."""
        self.disk.free, self.swept = 600_000, Swept()
        self.start()
        self.later(2 * RESERVE_EVERY)
        self.assertFalse(self.reserve.held)

    def test_trouble_is_logged_once(self) -> None:
        """That there is no reserve is said once, and hurts nobody."""
        self.space = Space(0, 1 << 30)
        with capturedLogs() as logs:
            self.start()
            self.later(3 * RESERVE_EVERY)
        self.assertEqual(len([e for e in logs if "has to wait" in e.get("trouble", "")]), 1)
        self.assertEqual(self.watch.rung, Rung.FINE)

    def test_a_disk_that_hangs(self) -> None:
        """The looks do not wait for the reserve."""
        self.running = Running()
        self.threads.held = []
        self.start()
        self.later(100)
        self.assertEqual(len(self.threads.held), 1)
