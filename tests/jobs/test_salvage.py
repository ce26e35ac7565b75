"""Tests for ``rakkr.jobs.salvage``."""

from __future__ import annotations

import json
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.jobs.records import Gap, Record, Salvaged
from rakkr.jobs.salvage import SalvageGap, SalvageRow, salvage_rows, salvage_text
from tests.jobs.remembering import RUN, claimed, known, planned, recorded, rendered, segment

KEPT: tuple[Record, ...] = (
    planned(),
    *segment(1),
    *segment(2),
    recorded(144_000, Gap(48_000, 24_000, "unplugged")),
    rendered(),
    Salvaged("the lease expired"),
)
SIZES = {
    Path("/captures/rec_1.1.raw.wav"): 100,
    Path("/captures/rec_1.2.raw.wav"): 200,
}
ROW = SalvageRow(
    recording_id="rec_1",
    job_id="job_1",
    reason="the lease expired",
    seconds=3.0,
    frames=144_000,
    gaps=(SalvageGap(48_000, 24_000, "unplugged"),),
    bytes=300,
    paths=("/captures/rec_1.1.raw.wav", "/captures/rec_1.2.raw.wav"),
    since="1970-01-01T00:16:40.000Z",
)


class SalvageTests(SynchronousTestCase):
    """What is kept here."""

    def test_row(self) -> None:
        """A recording is listed with what there is of it; files that are gone are not."""
        self.assertEqual(salvage_rows([known(*KEPT)], SIZES.get), [ROW])

    def test_others(self) -> None:
        """Jobs that do not wait are not listed; those that do, oldest first."""
        rows = salvage_rows(
            [
                known(claimed(3, wall=9.0), *KEPT),
                known(*RUN),
                known(claimed(2, wall=8.0), *KEPT),
            ],
            SIZES.get,
        )
        self.assertEqual([row.job_id for row in rows], ["job_2", "job_3"])

    def test_late_member(self) -> None:
        """Gaps count from where the recording begins, not from where its take does."""
        late = (*KEPT[:-3], recorded(144_000, Gap(48_000, 10, "x")), KEPT[-1])
        moved = [
            each
            if not isinstance(each, type(recorded()))
            else type(each)(1000, 2000, each.gaps, "")
            for each in late
        ]
        (row,) = salvage_rows([known(*moved)], SIZES.get)
        self.assertEqual((row.frames, row.gaps[0].start_frame), (1000, 47_000))

    def test_unsealed(self) -> None:
        """A recording whose length nobody knows has none."""
        (row,) = salvage_rows([known(planned(), *segment(1)[:2], Salvaged("x"))], SIZES.get)
        self.assertEqual((row.seconds, row.frames, row.gaps, row.bytes), (None, None, (), 100))

    def test_text(self) -> None:
        """It is printed as a JSON list in the contract's spelling."""
        self.assertEqual(
            json.loads(salvage_text([ROW])),
            [
                {
                    "bytes": 300,
                    "frames": 144_000,
                    "gaps": [{"frames": 24_000, "reason": "unplugged", "startFrame": 48_000}],
                    "jobId": "job_1",
                    "paths": list(ROW.paths),
                    "reason": "the lease expired",
                    "recordingId": "rec_1",
                    "seconds": 3.0,
                    "since": "1970-01-01T00:16:40.000Z",
                }
            ],
        )
        self.assertEqual(salvage_text([]), "[]")
