"""Tests for ``rakkr.cache.stock``."""

from __future__ import annotations

import json
from typing import Any

import attrs
from twisted.internet.defer import Deferred, maybeDeferred

from rakkr.cache.evidence import Evidence
from rakkr.cache.stock import Stock
from rakkr.durable import write_atomically
from tests.cache.case import CacheCase
from tests.cache.holding import kept, policy

KEEP = policy(max_age_days=7)


class StockCase(CacheCase):
    """The list and the journals."""

    def setUp(self) -> None:
        super().setUp()
        self.stock = self.another()

    def another(self) -> Stock:
        """The list of an agent that starts now."""
        return Stock(
            self.manifest,
            self.captures,
            self.books,
            Evidence(self.noted),
            maybeDeferred,
            lambda: "2027-01-15T08:00:00.000Z",
        )

    def update(self) -> Any:
        """Bring it up to date."""
        return self.successResultOf(Deferred.fromCoroutine(self.stock.update()))

    def listed(self) -> list[str]:
        """The recordings in the file."""
        entries = json.loads(self.manifest.read_bytes())["entries"]
        return [each["recordingId"] for each in entries]


class TrackingTests(StockCase):
    """What is put on the list."""

    def test_tracked(self) -> None:
        """A delivered recording is in the file, and an event says so, once."""
        self.update()
        self.deliver(1, rule=KEEP)
        self.update()
        self.update()
        self.assertEqual(self.listed(), ["rec_1"])
        self.assertEqual(self.types(), ["recorder_cache_tracked"])
        self.assertEqual(
            self.noted.events[0][2],
            {
                "jobId": "job_1",
                "maxAgeDays": 7,
                "maxBytes": None,
                "policyId": "p",
                "recordingId": "rec_1",
            },
        )
        self.assertEqual(self.noted.events[0][3], "rec_1")

    def test_nothing_was_stored(self) -> None:
        """No event claims that something is kept by a policy where none is, or nothing is there."""
        self.deliver(1)
        self.deliver(2, rule=policy(delete_after_upload=True))
        self.deliver(3, rule=KEEP).files[0].unlink()
        self.update()
        self.assertEqual(self.noted.events, [])
        self.assertEqual(self.listed(), ["rec_1", "rec_2"])

    def test_after_a_restart(self) -> None:
        """What an earlier agent delivered is tracked by the next one, which says so."""
        self.deliver(1, rule=KEEP)
        self.update()
        self.assertIs(self.noted.events[0][2]["recoveredAfterRestart"], True)
        self.deliver(2, rule=KEEP)
        self.update()
        self.assertNotIn("recoveredAfterRestart", self.noted.events[1][2])

    def test_tracked_before(self) -> None:
        """What is in the file already is not told of again by the next agent."""
        self.deliver(1, rule=KEEP)
        self.update()
        self.stock = self.another()
        self.update()
        self.assertEqual(self.types(), ["recorder_cache_tracked"])

    def test_not_written_in_vain(self) -> None:
        """While nothing changes, the file is left as it is."""
        self.deliver(1, rule=KEEP)
        self.update()
        before = self.manifest.stat().st_mtime_ns
        self.update()
        self.assertEqual(self.manifest.stat().st_mtime_ns, before)

    def test_a_retry(self) -> None:
        """A recording that was delivered again is tracked again, with the files of both."""
        held = self.deliver(1, rule=KEEP)
        self.update()
        new = attrs.evolve(held, files=(*held.files, self.file("b")), job_ids=("job_9", "job_1"))
        self.books.holdings = [new]
        self.update()
        self.assertEqual(self.types(), ["recorder_cache_tracked"] * 2)
        self.assertEqual(self.listed(), ["rec_1"])

    def test_gone(self) -> None:
        """A file that is gone leaves the list without a word, and its journal knows it."""
        held = self.deliver(1)
        self.update()
        held.files[0].unlink()
        self.update()
        self.assertEqual(self.listed(), [])
        self.assertEqual(self.books.noted, {"job_1": set(held.files)})

    def test_journals_are_not_read_yet(self) -> None:
        """While nobody knows what is needed, nothing is written."""
        self.books.holdings = None
        self.assertIsNone(self.update())
        self.assertFalse(self.manifest.exists())

    def test_it_cannot_be_read(self) -> None:
        """A list that is a directory fails the tracking of each recording once, and heals."""
        self.manifest.mkdir(parents=True)
        self.deliver(1, rule=KEEP)
        self.update()
        self.update()
        self.assertEqual(self.types(), ["recorder_cache_track_failed"])
        error = self.noted.events[0][2]["error"]
        self.assertTrue(error.startswith("read recorder cache manifest"), error)
        self.manifest.rmdir()
        self.update()
        self.assertEqual(self.types()[1:], ["recorder_cache_tracked"])
        self.assertEqual(self.listed(), ["rec_1"])

    def test_it_cannot_be_written(self) -> None:
        """A list that cannot be written fails the tracking, and is written later."""
        self.manifest.parent.write_bytes(b"")  # a file where its directory should be
        self.deliver(1, rule=KEEP)
        self.update()
        self.assertEqual(self.types(), ["recorder_cache_track_failed"])
        self.manifest.parent.unlink()
        self.update()
        self.assertEqual(self.types()[1:], ["recorder_cache_tracked"])


class DamageTests(StockCase):
    """A list that was damaged."""

    def test_made_anew(self) -> None:
        """It is set aside, made of the journals again, and an event says what there is."""
        self.deliver(1, rule=KEEP)
        self.update()
        self.file("stray.wav")
        write_atomically(self.manifest, self.manifest.read_bytes()[:-30])
        self.noted.events.clear()
        self.stock = self.another()
        self.update()
        self.update()
        self.assertEqual(self.listed(), ["rec_1"])
        self.assertEqual(self.noted.types(), ["agent.recorder_cache.manifest_damaged"])
        details = self.noted.events[0][2]
        self.assertEqual((details["entries"], details["strayFiles"]), (1, 1))
        self.assertIn("decode recorder cache manifest", details["error"])
        aside = self.manifest.with_name("manifest.json.damaged-20270115T080000000Z")
        self.assertEqual(details["path"], str(aside))
        self.assertTrue(aside.exists())

    def test_other_agents_entries(self) -> None:
        """An entry of another agent beside a broken one stays in the new list."""
        path = self.file("other.wav")
        entry = {
            "outputPath": str(path),
            "policyId": "p",
            "rawOutputPath": str(path),
            "recordingId": "rec_7",
        }
        write_atomically(self.manifest, json.dumps({"entries": [{}, entry], "version": 1}).encode())
        self.update()
        self.assertEqual(json.loads(self.manifest.read_bytes())["entries"], [entry])
        self.assertEqual(self.types(), ["manifest_damaged"])

    def test_nothing_to_make_it_of(self) -> None:
        """Audio without a receipt is kept, and is no entry."""
        assert self.books.holdings is not None
        self.books.holdings.append(kept(1, self.file("1.wav")))
        self.manifest.parent.mkdir()
        self.manifest.write_bytes(b"")
        self.update()
        self.assertEqual(self.listed(), [])
        self.assertTrue((self.captures / "1.wav").exists())
