"""What is reported of the disk."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.disk.forecast import Forecast, Rung
from rakkr.disk.need import Need, Short
from rakkr.disk.notices import Concerned, Notices, Swept
from rakkr.disk.space import Space
from tests.fakes.evidence import Noted

ONE, OTHER = Concerned("job_1", "rec_1"), Concerned("job_2", "rec_2")
SPACE, NEED = Space(900, 1000), Need(10, 5000, 1000)
PLACE = {"outputPath": "/rec", "systemHealthDiskPath": "/rec"}
OF_ONE = {**PLACE, "jobId": "job_1", "recordingId": "rec_1"}


def seen(rung: Rung) -> Forecast:
    """A look that found the disk at a rung."""
    return Forecast(90.9, enough=False, rung=rung)


class NoticesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.noted = Noted()
        self.notices = Notices(self.noted.emit, Path("/rec"))

    def names(self) -> list[str]:
        """The events so far, each with severity and recording."""
        return [f"{t.split('.')[-1]} {s} {r}" for t, s, _, r in self.noted.events]

    def test_low(self) -> None:
        """The warning says how long the disk lasts, and is given once."""
        for rung in (Rung.SWEEP, Rung.SWEEP, Rung.DELAY_RENDERS):
            self.notices.low([ONE], seen(rung), SPACE, NEED)
        (event,) = self.noted.events
        self.assertEqual(event[:2], ("agent.recording_job.disk_space_low", "warning"))
        expected = {"bytesPerSecond": 10, "freeBytes": 900, "requiredBytes": 6000, "rung": "sweep"}
        self.assertEqual(event[2], {**OF_ONE, **expected, "secondsLeft": 90})
        self.assertEqual(event[3], "rec_1")

    def test_last_minutes(self) -> None:
        """The last minutes are critical, told each time they begin, and never as a warning."""
        for rung in (Rung.SWEEP, Rung.LAST_MINUTES, Rung.LAST_MINUTES, Rung.SHED, Rung.SHED):
            self.notices.low([ONE], seen(rung), SPACE, NEED)
        self.notices.low([ONE], seen(Rung.LAST_MINUTES), SPACE, NEED)
        low = "disk_space_low"
        self.assertEqual(
            self.names(),
            [f"{low} warning rec_1", f"{low} critical rec_1", f"{low} critical rec_1"],
        )

    def test_each_recording_is_told(self) -> None:
        """One that begins later is told too, and when it is fine again all are, once."""
        self.notices.low([ONE], seen(Rung.SHED), SPACE, NEED)
        self.notices.low([ONE, OTHER], seen(Rung.SHED), SPACE, NEED)
        for _ in range(2):
            self.notices.fine(Space(9000, 10_000), NEED, 400)
        self.assertEqual(
            self.names(),
            [
                "disk_space_low warning rec_1",
                "disk_space_low warning rec_2",
                "disk_space_runtime_recovered info rec_1",
                "disk_space_runtime_recovered info rec_2",
            ],
        )
        expected = {"freeBytes": 9000, "requiredBytes": 6000, "writtenBytes": 400}
        expected |= {"remainingBytes": 5000, "estimatedCaptureBytes": 5400}
        self.assertEqual(self.noted.events[2][2], {**OF_ONE, **expected})

    def test_swept(self) -> None:
        """A sweep is reported with what it did, as a warning when part of it failed."""
        of_policy = {"policyId": "p", "reason": "max_age", "errors": []}
        items = ({"recordingId": "r", "status": "deleted", **of_policy},)
        self.notices.swept([ONE], Swept(4, 2, 0, items), SPACE, NEED)
        self.notices.swept([ONE], Swept(4, 0, 1), SPACE, NEED)
        self.notices.swept([ONE], Swept(4), SPACE, NEED)
        attempted = "disk_space_cleanup_attempted"
        self.assertEqual(self.names(), [f"{attempted} info rec_1", f"{attempted} warning rec_1"])
        expected = {"freeBytes": 900, "requiredBytes": 6000, "scanned": 4, "deleted": 2}
        details = {**OF_ONE, **expected, "errors": 0, "items": [dict(items[0])]}
        self.assertEqual(self.noted.events[0][2], details)

    def test_not_swept(self) -> None:
        """A sweep that failed is reported with the reason."""
        self.notices.not_swept([ONE], "no policies", SPACE, NEED)
        self.assertEqual(self.names(), ["disk_space_cleanup_skipped warning rec_1"])
        expected = {"error": "no policies", "freeBytes": 900, "requiredBytes": 6000}
        self.assertEqual(self.noted.events[0][2], {**OF_ONE, **expected})

    def test_enough(self) -> None:
        """The room that was made is told beside what there was, to each that begins."""
        self.notices.enough([ONE, OTHER], SPACE, Space(7000, 10_000), NEED)
        told = [f"disk_space_recovered info {each.recording_id}" for each in (ONE, OTHER)]
        self.assertEqual(self.names(), told)
        expected = {"initialFreeBytes": 900, "freeBytes": 7000, "requiredBytes": 6000}
        self.assertEqual(self.noted.events[0][2], {**OF_ONE, **expected})

    def test_insufficient(self) -> None:
        """Recordings that cannot begin are told how full the disk is."""
        self.notices.insufficient([ONE, OTHER], Short(6000, 900, "/rec"), Space(900, 9000))
        told = [f"disk_space_insufficient critical {each.recording_id}" for each in (ONE, OTHER)]
        self.assertEqual(self.names(), told)
        expected = {"freeBytes": 900, "requiredBytes": 6000, "totalBytes": 9000}
        self.assertEqual(self.noted.events[0][2], {**OF_ONE, **expected, "usedPercent": 90.0})
