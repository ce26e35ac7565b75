"""Tests for ``rakkr.cache.showing``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.cache.candidates import survey
from rakkr.cache.intent import Intent
from rakkr.cache.manifest import Entry
from rakkr.cache.showing import shown
from rakkr.disk.holding import Holding, OnDisk
from tests.cache.holding import DAY, DIRECTORY, NOON, delivered, kept, policy


def document(*holdings: Holding, errors: dict[Path, str] | None = None) -> dict[str, Any]:
    """What is printed of these, at noon."""
    seen = survey(holdings, (), lambda _: OnDisk(9, 4096), lambda path: "empty" in path.name)
    listed = [
        policy("week", max_age_days=7),
        policy("all", max_age_days=30, max_bytes=1 << 40, min_free_disk_percent=12.5),
    ]
    intent = Intent(listed=listed, orphan_days=30, now=NOON, space=None)
    return shown(seen, *intent.sweep(seen), [Path("/captures/stray.wav")], errors)


class ShowingTests(SynchronousTestCase):
    """What goes and why, and what stays and why."""

    def why(self, held: Holding) -> str:
        """Why it stays."""
        (stays, _stray) = document(held)["stays"]
        return str(stays["why"])

    def test_goes(self) -> None:
        """What goes has its files, the bytes, and the reason."""
        held = delivered(1, NOON - 8 * DAY, rule=policy("week"))
        said = document(held)
        self.assertEqual((said["bytes"], said["dryRun"]), (8192, True))
        self.assertEqual(
            said["goes"],
            [
                {
                    "bytes": 8192,
                    "errors": [],
                    "paths": ["/captures/1.flac", "/captures/1.raw.wav"],
                    "policyId": "week",
                    "reason": "max_age",
                    "recordingId": "rec_1",
                    "uploadedAt": "2027-01-07T08:00:00.000Z",
                }
            ],
        )
        self.assertEqual(
            said["stays"], [{"paths": ["/captures/stray.wav"], "why": "no journal names it"}]
        )

    def test_went(self) -> None:
        """After a real sweep, what could not be deleted is named."""
        held = delivered(1, NOON - 8 * DAY, rule=policy("week"))
        said = document(held, errors={held.output: "busy"})
        self.assertEqual(said["dryRun"], False)
        self.assertEqual(said["goes"][0]["errors"], ["/captures/1.flac: busy"])

    def test_kept_by_a_policy(self) -> None:
        """A policy's limits are said, and until when it keeps something."""
        self.assertEqual(
            self.why(delivered(1, rule=policy("all"))),
            "policy all keeps it until 2027-02-14T08:00:00.000Z and while all of it takes no more"
            " than 1099511627776 bytes and while 12.5 % of the disk are free",
        )

    def test_other_reasons(self) -> None:
        """Everything that stays says why."""
        self.assertIn("no policy", self.why(delivered(1)))
        self.assertIn("gone at the controller", self.why(delivered(1, rule=policy("x"))))
        self.assertEqual(
            self.why(kept(1, why="it waits for a retry: lost")), "it waits for a retry: lost"
        )
        self.assertIn(
            "no receipt covers it (it broke)",
            self.why(kept(1, standing="undelivered", why="it broke")),
        )
        self.assertIn("no audio", self.why(kept(1, DIRECTORY / "empty", standing="undelivered")))
        foreign = attrs.evolve(kept(1, standing="undelivered", why="no receipt"), job_ids=())
        self.assertEqual(self.why(foreign), "no receipt")

    def test_only_listed(self) -> None:
        """A recording whose journal is lost says so."""
        why = self.why(
            attrs.evolve(delivered(1), standing="undelivered", why="its journal is lost")
        )
        self.assertEqual(why, "its journal is lost")

    def test_other_files(self) -> None:
        """A recording in the place of whose files there are others says so."""
        held = delivered(1, NOON - 9 * DAY, DIRECTORY / "a", rule=policy("week"))
        listed = [Entry(held, {DIRECTORY / "a": OnDisk(8, 0, 1)})]
        seen = survey([held], listed, lambda _: OnDisk(9, 4096, 1), lambda _: False)
        intent = Intent(listed=None, orphan_days=30, now=NOON, space=None)
        (stays,) = shown(seen, *intent.sweep(seen), [])["stays"]
        self.assertIn("not the files any more", stays["why"])

    def test_a_shared_capture(self) -> None:
        """A recording whose only file goes with another one does not seem to stay."""
        shared = DIRECTORY / "a.raw.wav"
        one = delivered(1, NOON - 9 * DAY, shared, rule=policy("week"))
        two = delivered(2, NOON - 8 * DAY, shared, rule=policy("week"))
        said = document(one, two)
        self.assertEqual([each["recordingId"] for each in said["goes"]], ["rec_2"])
        self.assertEqual(len(said["stays"]), 1)

    def test_a_needed_capture(self) -> None:
        """A delivered recording whose capture is needed says so."""
        shared = DIRECTORY / "a.raw.wav"
        one = delivered(1, NOON - 9 * DAY, shared, rule=policy("week"))
        said = document(one, kept(2, shared))
        self.assertIn("not delivered needs", said["stays"][0]["why"])
