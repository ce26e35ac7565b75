"""Jobs whose agent dies at any moment; see :mod:`tests.jobs.dying`."""

from __future__ import annotations

from rakkr.jobs.ending import Ending
from tests.jobs.dying import Life, RecoveryCase
from tests.jobs.making import make_job, told

DELIVERED, FAILED, KEPT = Ending.DELIVERED.value, Ending.FAILED.value, Ending.KEPT.value


class OneJobTests(RecoveryCase):
    """A lone job of two seconds."""

    def run_it(self) -> None:
        """From its claim to its receipt."""
        self.run_once([make_job(duration_seconds=2)], lambda: self.shop.play(3))

    def test_at_once(self) -> None:
        """It ends delivered once, wherever its agent died."""
        self.run_it()
        self.assertEqual(set(self.endings("job_1", Life(4))), {"", DELIVERED})

    def test_after_a_reboot(self) -> None:
        """The same when the machine was booted in between, and its clock began anew."""
        self.run_it()
        self.assertEqual(set(self.endings("job_1", Life(4, booted=True))), {"", DELIVERED})

    def test_twice(self) -> None:
        """The same when the next agent dies, too."""
        self.run_it()
        self.assertEqual(set(self.endings("job_1", Life(4, dies_again=True))), {"", DELIVERED})

    def test_after_the_window(self) -> None:
        """When nobody came in time: delivered as far as it came, or failed without a sample."""
        self.run_it()
        found = self.endings("job_1", Life(12, down=60.0))
        self.assertEqual(set(found), {"", DELIVERED, FAILED})
        self.assertGreater(found[DELIVERED], len(self.instants) // 2)

    def test_that_fails(self) -> None:
        """A job that cannot be recorded is marked as failed, and with effect once."""
        (self.shop.directory / "bin" / "arecord").unlink()
        self.run_once([make_job(duration_seconds=2)], lambda: self.shop.play(1))
        self.assertEqual(self.desk.marks, [("job_1", "failed")])
        self.assertEqual(set(self.endings("job_1", Life(4))), {"", FAILED})

    def test_that_is_refused(self) -> None:
        """The same for one that is impossible before a device is opened."""
        self.run_once([make_job(capture_channels=9)], lambda: self.shop.play(1))
        self.assertEqual(set(self.endings("job_1", Life(4))), {"", FAILED})
        self.assertEqual(self.shop.reactor.spawned, [])


class OtherEndTests(RecoveryCase):
    """Recordings that something happened to."""

    def test_device_lost(self) -> None:
        """A job whose device was lost before."""

        def act() -> None:
            self.shop.play(2)
            self.shop.reactor.last.writes(b"read error: No such device\n", 2)
            self.shop.reactor.last.exits(1)
            self.shop.play(4)

        self.run_once([make_job(duration_seconds=4)], act)
        self.assertEqual(set(self.endings("job_1", Life(6))), {"", DELIVERED})

    def test_stopped(self) -> None:
        """A job that an operator stopped."""

        def act() -> None:
            self.shop.play(2)
            job = self.desk.jobs["job_1"]
            now = self.shop.place.wall.stamp()
            self.desk.jobs["job_1"] = told(job, "stop_requested", stop_requested_at=now)
            self.shop.play(4)

        self.run_once([make_job(duration_seconds=600)], act)
        stopped = [each for each in self.instants if each.desk.jobs["job_1"].status != "running"]
        self.assertGreater(len(stopped), 6)
        self.instants = stopped
        self.assertEqual(set(self.endings("job_1", Life(6))), {DELIVERED})

    def test_lease_lost(self) -> None:
        """A job whose lease was lost is kept, and its audio waits for a retry."""

        def act() -> None:
            self.shop.play(2)
            job = self.desk.jobs["job_1"]
            self.desk.jobs["job_1"] = told(job, "failed", failure_reason="lease_expired")
            self.shop.play(4)

        self.run_once([make_job(duration_seconds=4)], act)
        self.instants = [
            each for each in self.instants if each.desk.jobs["job_1"].status == "failed"
        ]
        self.assertGreater(len(self.instants), 3)
        self.assertEqual(set(self.endings("job_1", Life(8))), {KEPT})


class PiecesTests(RecoveryCase):
    """Recordings that are delivered in pieces."""

    def test_in_chunks(self) -> None:
        """Each piece is at the controller, the last one with their number."""
        job = make_job(duration_seconds=3, chunk_seconds=1)
        self.run_once([job], lambda: self.shop.play(5))
        self.assertEqual([chunk for _, chunk, _ in self.desk.files], [0, 1, 2])
        self.assertEqual(set(self.endings("job_1", Life(6))), {"", DELIVERED})

    def test_on_a_short_disk(self) -> None:
        """Where the space of delivered pieces is given back, none is needed again."""
        self.shop.disk.tight = True
        job = make_job(duration_seconds=3, chunk_seconds=1)
        self.run_once([job], lambda: self.shop.play(5))
        self.assertEqual(set(self.endings("job_1", Life(6, dies_again=True))), {"", DELIVERED})

    def test_split(self) -> None:
        """A file that is too large for the way is in pieces after a restart as before."""
        self.shop.place.uploads.bytes_per_second = 800.0
        job = make_job(duration_seconds=2, output_codec="wav", output_file_name="rec_1.wav")
        self.run_once([job], lambda: self.shop.play(4))
        self.assertEqual([chunk for _, chunk, _ in self.desk.files], [0, 1, 2])
        begun = [each for each in self.instants if each.desk.files]
        self.assertGreater(len(begun), 6)
        self.instants = begun
        self.assertEqual(set(self.endings("job_1", Life(4))), {DELIVERED})


class GroupTests(RecoveryCase):
    """Jobs that share a capture."""

    alone = False

    def test_two_windows(self) -> None:
        """Each of two jobs ends delivered once, with its own window."""
        jobs = [make_job(1, duration_seconds=1), make_job(2, duration_seconds=2)]
        self.run_once(jobs, lambda: self.shop.play(4))
        for job in ("job_1", "job_2"):
            self.assertEqual(set(self.endings(job, Life(5))), {"", DELIVERED})
