"""Tests for ``rakkr.cache.service``."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from rakkr.cache.files import save
from rakkr.cache.manifest import Entry
from rakkr.cache.service import GRACE_SECONDS, LAST_SECONDS, CacheSweepService
from rakkr.clock import WallTime
from rakkr.controller.messages import CacheRetention, NodeConfig, Receipt
from rakkr.disk.holding import OnDisk
from rakkr.disk.notices import Swept
from rakkr.jobs.workplace import Shelf
from rakkr.live import LiveSettings
from tests.cache.case import CacheCase
from tests.cache.holding import DAY, NOON, delivered, kept, policy
from tests.fakes.threads import FakeThreads
from tests.jobs.making import make_job

_check: type[Shelf] = CacheSweepService
WEEK = policy(max_age_days=7)
SWEPT = "agent.recorder_cache.sweep_completed"


class ServiceCase(CacheCase):
    """The service on a fake clock."""

    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.wall = WallTime(lambda: NOON + self.clock.seconds(), skew_seconds=0.0)
        self.live = LiveSettings(self.settings)
        self.service = self.another()

    def tearDown(self) -> None:
        if self.service.running:
            self.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def another(self) -> CacheSweepService:
        """The service of an agent that starts now."""
        return CacheSweepService(
            self.clock, self.wall, self.noted, maybeDeferred, self.books, self.live
        )

    def start(self, *policies: CacheRetention) -> None:
        """Start it, with what the controller says of policies."""
        self.live.apply(NodeConfig(recorder_cache_policies=policies))
        self.service.startService()

    def stop(self) -> None:
        """Stop the service, which must be done at once."""
        self.successResultOf(self.service.stopService())

    def minutes(self, number: int = 1) -> None:
        """Let time pass."""
        self.clock.pump([60.0] * number)

    def stuck(self) -> Path:
        """A file that cannot be deleted before ``self.unlink.restore()``."""
        path, unlink = self.file("stuck"), Path.unlink

        def refuse(each: Path, **more: Any) -> None:
            if each == path:
                raise PermissionError(1, "Operation not permitted")
            unlink(each, **more)

        self.unlink = self.patch(Path, "unlink", refuse)
        return path

    def left(self) -> set[str]:
        """The files that are still there."""
        return {path.name for path in self.captures.iterdir()}


class SweepTests(ServiceCase):
    """By the policies."""

    def test_age(self) -> None:
        """A recording goes when it is old enough, with an event, while others stay."""
        self.deliver(1, NOON - 7 * DAY + 90, WEEK)
        self.deliver(2, NOON, WEEK)
        self.start(WEEK)
        self.minutes()
        self.assertEqual(self.left(), {"1.flac", "2.flac"})
        self.minutes()
        self.assertEqual(self.left(), {"2.flac"})
        self.assertEqual(
            self.noted.details(SWEPT),
            {
                "deleted": 1,
                "errors": 0,
                "items": [
                    {
                        "errors": [],
                        "policyId": "p",
                        "reason": "max_age",
                        "recordingId": "rec_1",
                        "status": "deleted",
                    }
                ],
                "scanned": 2,
            },
        )
        self.assertEqual(set(self.books.noted), {"job_1"})
        self.assertNotIn(b"rec_1", self.manifest.read_bytes())
        self.minutes(3)
        self.assertEqual(self.types().count("sweep_completed"), 1)

    def test_nothing_to_do(self) -> None:
        """A sweep that did nothing says nothing."""
        self.deliver(1, NOON, WEEK)
        self.start(WEEK)
        self.minutes(3)
        self.assertEqual(self.types(), ["recorder_cache_tracked"])

    def test_an_empty_list_of_policies(self) -> None:
        """Without any policy at the controller, what old ones kept goes at the default age."""
        self.deliver(1, NOON - 31 * DAY, WEEK)
        self.deliver(2, NOON - 29 * DAY, WEEK)
        self.start()
        self.assertEqual(self.left(), {"2.flac"})

    def test_what_is_needed_stays(self) -> None:
        """Files of unfinished jobs and of kept recordings stay, whoever delivered them too."""
        held = self.deliver(1, NOON - 9 * DAY, WEEK)
        assert self.books.holdings is not None
        for standing in ("unfinished", "salvage"):
            self.books.holdings[1:] = [kept(2, *held.files, standing=standing)]
            self.start(WEEK)
            self.minutes()
            self.assertEqual(self.left(), {"1.flac"})
            self.stop()
            self.service = self.another()

    def test_needed_since_it_was_planned(self) -> None:
        """What a job begins to need between plan and deletion stays."""
        held = self.deliver(1, NOON - 9 * DAY, WEEK)
        self.books.needed = lambda: lambda: set(held.files)  # type: ignore[method-assign]
        self.start(WEEK)
        self.assertEqual(self.left(), {"1.flac"})
        self.assertNotIn(SWEPT, self.noted.types())

    def test_replaced(self) -> None:
        """What an operator put under a delivered file's name stays, also after a restart."""
        held = self.deliver(1, NOON - 7 * DAY + 90, WEEK)
        self.start(WEEK)
        self.stop()
        os.utime(held.output, ns=(5, 5))
        for _ in range(2):
            self.service = self.another()
            self.start(WEEK)
            self.minutes(5)
            self.stop()
        self.assertEqual(self.left(), {"1.flac"})
        self.assertNotIn(SWEPT, self.noted.types())

    def test_what_lies_elsewhere(self) -> None:
        """A file outside of the captures' directory stays, whatever a journal says of it."""
        path = self.root / "passwd"
        path.write_bytes(b"x")
        assert self.books.holdings is not None
        self.books.holdings.append(delivered(1, NOON - 9 * DAY, path, rule=WEEK))
        self.start(WEEK)
        self.minutes(2)
        self.successResultOf(Deferred.fromCoroutine(self.service.make_room(1)))
        self.assertTrue(path.exists())

    def test_a_list_of_somebody_else(self) -> None:
        """Whatever a list says of files and receipts, nothing goes that no journal bears out."""
        outside = self.root / "passwd"
        outside.write_bytes(b"x" * 8192)
        files = {}
        for path in (outside, self.file("mine.flac")):
            about = path.stat()
            files[path] = OnDisk(about.st_size, 0, about.st_mtime_ns)
        held = delivered(1, NOON - 9 * DAY, *files, rule=WEEK)
        save(self.manifest, [Entry(held, files)])
        self.start(WEEK)
        self.minutes(3)
        self.successResultOf(Deferred.fromCoroutine(self.service.make_room(1 << 40)))
        self.assertEqual([path.exists() for path in files], [True, True])

    def test_the_policies_change_meanwhile(self) -> None:
        """What is planned by policies that are not in force any more is not done."""
        for number in range(300):
            self.deliver(number, NOON - 9 * DAY + number, WEEK)
        needed = self.books.needed

        def change() -> Any:
            self.live.apply(NodeConfig(recorder_cache_policies=(policy(max_age_days=70),)))
            return needed()

        self.books.needed = change  # type: ignore[method-assign]
        self.start(WEEK)
        self.minutes(3)
        self.assertEqual(len(self.left()), 300 - 256)

    def test_before_the_journals_are_read(self) -> None:
        """While nobody knows what is needed nothing goes; soon after that it does."""
        self.deliver(1, NOON - 9 * DAY, WEEK)
        holdings, self.books.holdings = self.books.holdings, None
        self.start(WEEK)
        self.clock.pump([1.0] * 5)
        self.assertEqual(self.left(), {"1.flac"})
        self.books.holdings = holdings
        self.clock.advance(1)
        self.assertEqual(self.left(), set())

    def test_the_controllers_policies_cannot_be_read(self) -> None:
        """The policies that jobs carried are heeded when the controller's stay unknown."""
        self.deliver(1, NOON - 9 * DAY, WEEK)
        self.service.startService()
        self.minutes(int(GRACE_SECONDS / 60) - 1)
        self.assertEqual(self.left(), {"1.flac"})
        self.minutes()
        self.assertEqual(self.left(), set())

    def test_the_controller_answers(self) -> None:
        """What is due goes soon after the controller's first answer, and not a minute later."""
        self.deliver(1, NOON - 9 * DAY, WEEK)
        self.service.startService()
        self.clock.pump([1.0] * 7)
        self.assertEqual(self.left(), {"1.flac"})
        self.live.apply(NodeConfig(recorder_cache_policies=(WEEK,)))
        self.clock.pump([1.0] * 5)
        self.assertEqual(self.left(), set())

    def test_the_job_is_over(self) -> None:
        """What a job left is on the list, and judged, as soon as it is over."""
        self.start(WEEK)
        self.deliver(1, NOON, WEEK)
        self.service.settled()
        self.service.settled()
        self.clock.advance(0)
        self.assertEqual(self.types(), ["recorder_cache_tracked"])

    def test_a_slow_sweep(self) -> None:
        """A sweep that takes long comes less often."""
        times: list[float] = []

        def slow(function: Any, *args: Any) -> Deferred[Any]:
            times.append(self.clock.seconds())
            waiting: Deferred[Any] = Deferred()
            self.clock.callLater(5.0, waiting.callback, None)
            return waiting.addCallback(lambda _: function(*args))

        self.service = CacheSweepService(
            self.clock, self.wall, self.noted, slow, self.books, self.live
        )
        self.start(WEEK)
        self.clock.pump([1.0] * 2000)
        pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
        self.assertGreater(max(pauses), 500)
        self.assertGreater(len(times), 4)
        stopping = self.service.stopService()
        self.clock.pump([1.0] * 100)
        self.successResultOf(stopping)

    def test_last_moment(self) -> None:
        """What was delivered or given up just before the end is put down, or deleted."""
        self.start(WEEK)
        path = self.file("a.flac")
        rule = CacheRetention(policy_id="q", delete_after_upload=True)
        self.service.release(make_job(), rule, Receipt(checksum="sha256:00", size=4), [path])
        self.deliver(2, NOON, WEEK)
        self.stop()
        self.assertEqual(self.left(), {"2.flac"})
        self.assertIn(b"rec_2", self.manifest.read_bytes())


class HungDiskTests(ServiceCase):
    """A disk that does not answer."""

    def test_the_end(self) -> None:
        """The agent ends all the same, neither earlier nor later than it says."""
        threads = FakeThreads()
        self.service = CacheSweepService(
            self.clock, self.wall, self.noted, threads, self.books, self.live
        )
        threads.held = []
        self.start(WEEK)
        self.assertEqual(len(threads.held), 1)
        ended = self.service.stopService()
        self.clock.advance(LAST_SECONDS - 0.1)
        self.assertNoResult(ended)
        with capturedLogs() as logs:
            self.clock.advance(0.1)
        self.successResultOf(ended)
        self.assertIn("does not answer", formatEvent(logs[0]))
        threads.release()


class FailureTests(ServiceCase):
    """What cannot be deleted."""

    def test_once(self) -> None:
        """A file that cannot be deleted is one warning, whatever the number of sweeps."""
        stuck = self.stuck()
        held = delivered(1, NOON - 9 * DAY, stuck, rule=WEEK)
        self.deliver(2, NOON - 8 * DAY, WEEK)
        assert self.books.holdings is not None
        self.books.holdings.append(held)
        self.start(WEEK)
        self.minutes(10)
        self.assertEqual(self.left(), {"stuck"})
        details = self.noted.details(SWEPT)
        self.assertEqual((details["deleted"], details["errors"]), (1, 1))
        self.assertIn(str(stuck), details["items"][0]["errors"][0])
        self.assertEqual([each[1] for each in self.noted.events if each[0] == SWEPT], ["warning"])
        self.unlink.restore()
        self.minutes(10)
        self.assertEqual(self.left(), set())
        self.assertEqual(self.types().count("sweep_completed"), 2)


class ClockTests(ServiceCase):
    """A clock that is not believed."""

    def test_suspended_and_resumed(self) -> None:
        """Nothing goes while the clock is wrong; both edges are one event each."""
        self.deliver(1, NOON - 9 * DAY, WEEK)
        self.wall.skew_seconds = 301.0
        self.start(WEEK)
        self.minutes(5)
        self.assertEqual(self.left(), {"1.flac"})
        suspended = self.noted.details("agent.recorder_cache.sweep_suspended")
        self.assertIn("301 s", suspended["reason"])
        self.wall.skew_seconds = 300.0
        self.minutes(5)
        self.assertEqual(self.left(), set())
        resumed = self.noted.details("agent.recorder_cache.sweep_resumed")
        self.assertEqual(resumed["reason"], suspended["reason"])

    def test_never_compared(self) -> None:
        """While the controller never answered nothing goes, which is told of after a while."""
        self.deliver(1, NOON - 9 * DAY, WEEK)
        self.wall.skew_seconds = None
        self.start(WEEK)
        self.minutes(int(GRACE_SECONDS / 60) - 1)
        self.assertEqual(self.types(), ["recorder_cache_tracked"])
        self.minutes()
        self.assertEqual(self.types()[1:], ["sweep_suspended"])
        self.assertEqual(self.left(), {"1.flac"})

    def test_what_does_not_ask_the_clock(self) -> None:
        """What is given up after its upload, and for a short disk, goes by any clock."""
        self.wall.skew_seconds = 1e6
        self.deliver(1, NOON, WEEK)
        self.start(WEEK)
        path = self.file("a.flac")
        rule = CacheRetention(policy_id="q", delete_after_upload=True)
        self.service.release(make_job(), rule, Receipt(checksum="sha256:00", size=4), [path])
        self.minutes()
        self.assertEqual(self.left(), {"1.flac"})
        self.successResultOf(Deferred.fromCoroutine(self.service.make_room(1)))
        self.assertEqual(self.left(), set())


class RoomTests(ServiceCase):
    """A disk that gets short."""

    def room(self, required: int) -> Swept:
        """Make room."""
        return self.successResultOf(Deferred.fromCoroutine(self.service.make_room(required)))

    def reasons(self, swept: Swept) -> Sequence[tuple[str, str]]:
        """What went."""
        return [(each["recordingId"], each["reason"]) for each in swept.items]

    def test_oldest_until_enough(self) -> None:
        """It stops as soon as there is enough, and says what went; no policy is asked."""
        for number in (3, 1, 2):
            self.deliver(number, NOON + number, WEEK if number == 1 else None)
        self.assertEqual(self.reasons(self.room(8192)), [("rec_1", "disk_space")])
        self.assertEqual(
            self.reasons(self.room(8193)), [("rec_2", "disk_space"), ("rec_3", "disk_space")]
        )
        self.assertEqual(self.left(), set())

    def test_unfinished_and_kept(self) -> None:
        """What is not over, or waits for a retry, keeps its files."""
        held = self.deliver(1)
        assert self.books.holdings is not None
        self.books.holdings.append(kept(2, *held.files))
        self.assertEqual(self.room(1 << 40), Swept(scanned=2))
        self.assertEqual(self.left(), {"1.flac"})

    def test_before_the_journals_are_read(self) -> None:
        """While nobody knows what is needed, nothing goes."""
        self.deliver(1)
        self.books.holdings = None
        self.assertEqual(self.room(1 << 40), Swept())

    def test_cannot_be_deleted(self) -> None:
        """A file that cannot be deleted is named once, and does not stand in the way of others."""
        stuck = self.stuck()
        self.deliver(2, NOON + 2)
        assert self.books.holdings is not None
        self.books.holdings.append(delivered(1, NOON + 1, stuck))
        first = self.room(1)
        self.assertEqual((first.deleted, first.errors), (0, 1))
        self.assertEqual(self.reasons(self.room(1)), [("rec_2", "disk_space")])

    def test_the_list_follows(self) -> None:
        """What went for the disk's sake leaves the list."""
        self.start(WEEK)
        self.deliver(1, NOON, WEEK)
        self.minutes()
        self.assertIn(b"rec_1", self.manifest.read_bytes())
        self.room(1)
        self.clock.advance(0)
        self.assertNotIn(b"rec_1", self.manifest.read_bytes())
        self.assertEqual(set(self.books.noted), {"job_1"})


class OrphanTests(ServiceCase):
    """A setting."""

    def test_days(self) -> None:
        """How long files of a vanished policy stay is a setting."""
        self.settings = attrs.evolve(self.settings, recorder_cache_orphan_days=2.0)
        self.live = LiveSettings(self.settings)
        self.service = self.another()
        rule = policy(max_bytes=1 << 40)
        self.deliver(1, NOON - 2 * DAY, rule)
        self.deliver(2, NOON - 2 * DAY + 1, rule)
        self.start()
        self.assertEqual(self.left(), {"2.flac"})
