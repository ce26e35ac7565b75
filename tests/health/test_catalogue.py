"""Tests for ``rakkr.health.catalogue`` and its rows."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.catalogue import CATALOGUE, GROUPS, ended_by, faults, wire_faults
from rakkr.health.event import HealthEvent, Severity
from rakkr.health.event_type import NOTHING_TO_CLEAR, NOTHING_TO_DO
from tests.health.events import events

ROWS = tuple(CATALOGUE.values())
REPORTED = tuple(row for row in ROWS if row.not_emitted is None)
FLOWERS = {"nodeId": "n", "error": "e"}
FAILED = "agent.recording_job.claim_next_failed"


class RowTests(SynchronousTestCase):
    """The table, row by row."""

    def test_once(self) -> None:
        """Every type has one row, so no group hides a row of another."""
        types = [row.type for rows in GROUPS.values() for row in rows]
        self.assertEqual(len(types), len(set(types)))
        self.assertEqual(len(types), len(ROWS))

    def test_types(self) -> None:
        """Every type is one that a controller takes."""
        for row in ROWS:
            self.assertRegex(row.type, r"\Aagent(\.[a-z]+(_[a-z]+)*)+\Z")
            self.assertLessEqual(len(row.type), 160)

    def test_texts(self) -> None:
        """Every row says in whole sentences what it means, when it clears and what to do."""
        for row in ROWS:
            for text in (row.means, row.clears, row.do):
                self.assertRegex(text, r"\A[A-Za-z].*[.]\Z", row.type)
                self.assertNotIn("  ", text, row.type)

    def test_trouble_has_a_remedy(self) -> None:
        """What is more than information says in its own words when it clears, and what helps."""
        for row in ROWS:
            if set(row.severities) - {"info"} and row.not_emitted is None:
                self.assertNotEqual(row.clears, NOTHING_TO_CLEAR, row.type)
                self.assertNotEqual(row.do, NOTHING_TO_DO, row.type)

    def test_severities(self) -> None:
        """A row allows something, and nothing twice."""
        for row in ROWS:
            self.assertTrue(row.severities, row.type)
            self.assertEqual(len(row.severities), len(set(row.severities)), row.type)

    def test_recoveries(self) -> None:
        """What ends a failure is there, is information, ends at nothing, and is tied alike."""
        for row in ROWS:
            if row.recovery is not None:
                end = CATALOGUE[row.recovery]
                self.assertEqual(end.severities, ("info",), row.type)
                self.assertIsNone(end.recovery, row.type)
                self.assertEqual(end.recording, row.recording, row.type)
                self.assertNotEqual(row.severities, ("info",), row.type)
                self.assertIn(row.type, ended_by(end.type))

    def test_names_tell(self) -> None:
        """What is called a recovery ends something, and a run of sync failures is counted."""
        alone = {"agent.recording_job.disk_space_recovered"}  # a shortage that was never reported
        for row in ROWS:
            if row.type.endswith("_recovered") or row.type.endswith(".recovered"):
                self.assertEqual(bool(ended_by(row.type)), row.type not in alone, row.type)
            if row.type.endswith("sync_recovered"):
                self.assertIn("failureCount", row.details.always, row.type)

    def test_jobs(self) -> None:
        """An event that is tied to a recording names it and the job."""
        for row in ROWS:
            if row.recording != "never":
                self.assertLessEqual({"jobId", "recordingId"}, row.details.always.keys())

    def test_sometimes(self) -> None:
        """No detail both is always there and may be absent."""
        for row in ROWS:
            self.assertFalse(row.details.always.keys() & row.details.sometimes.keys(), row.type)


class JudgementTests(SynchronousTestCase):
    """Events that are right, and wrong."""

    @given(st.data())
    def test_right(self, data: st.DataObject) -> None:
        """Nothing is wrong with an event that is made by its row."""
        row = data.draw(st.sampled_from(REPORTED))
        self.assertEqual(faults(*data.draw(events(row))), [])

    @given(st.data())
    def test_missing(self, data: st.DataObject) -> None:
        """A detail that is missing is named."""
        row = data.draw(st.sampled_from([row for row in REPORTED if row.details.always]))
        type_, severity, details, recording = data.draw(events(row))
        gone = data.draw(st.sampled_from(sorted(row.details.always)))
        del details[gone]
        self.assertEqual(faults(type_, severity, details, recording), [f"details has no {gone}"])

    @given(st.data())
    def test_wrong(self, data: st.DataObject) -> None:
        """A detail of another kind is named, and so is one that no row has."""
        row = data.draw(st.sampled_from([row for row in REPORTED if row.details.always]))
        type_, severity, details, recording = data.draw(events(row))
        name = data.draw(st.sampled_from(sorted(row.details.members)))
        (fault,) = faults(type_, severity, {**details, name: b"bytes"}, recording)
        self.assertIn(f"details.{name} is b'bytes'", fault)
        (fault,) = faults(type_, severity, {**details, "flowers": 1}, recording)
        self.assertIn("'flowers'", fault)

    def test_severity(self) -> None:
        """Every severity is allowed or not, as the row has it."""
        severities: tuple[Severity, ...] = ("info", "warning", "critical")
        for row, severity in itertools.product(REPORTED, severities):
            wrong = [fault for fault in row.faults(severity, {}, None) if "severity" in fault]
            self.assertEqual(wrong == [], severity in row.severities, row.type)

    def test_recording(self) -> None:
        """An event is tied to a recording where its row says so."""
        for row in REPORTED:
            without = any("tied to no recording" in each for each in row.faults("info", {}, None))
            tied = any("to a recording" in each for each in row.faults("info", {}, "rec_1"))
            self.assertEqual((without, tied), (row.recording == "always", row.recording == "never"))

    def test_unknown(self) -> None:
        """A type that has no row is no type."""
        self.assertEqual(
            faults("agent.flowers", "info", {}, None),
            ["'agent.flowers' is no type of the catalogue"],
        )

    def test_never(self) -> None:
        """A type that this agent never reports is a fault, too."""
        row = CATALOGUE["agent.recording_job.restart_recovery_synced"]
        (fault,) = faults(row.type, "info", {"nodeId": "n"}, None)
        self.assertIn("never reports it", fault)

    def test_wire(self) -> None:
        """An event is judged alike when it comes from a log, which may hold anything."""
        event = HealthEvent("id", FAILED, "warning", "t", FLOWERS)
        self.assertEqual(wire_faults(event.as_wire()), [])
        self.assertEqual(len(wire_faults({**event.as_wire(), "severity": "loud"})), 1)
        self.assertEqual(len(wire_faults({**event.as_wire(), "details": None})), 1)
        self.assertEqual(len(wire_faults({})), 1)
