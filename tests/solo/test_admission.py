"""Tests of what is decided of an upload by its head."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.solo.admission import (
    Refused,
    Target,
    admit,
    codec_of,
    read_chunk,
    read_chunk_total,
    read_duration,
    read_rendition,
)
from rakkr.solo.lifecycle import Job, Status


def job(status: Status, name: str = "job_1", node: str = "n") -> Job:
    return Job(id=name, node_id=node, recording_id="r", status=status, created_at=0.0)


class AdmissionTests(SynchronousTestCase):
    def refused(self, call: Callable[[], Any]) -> int:
        return int(self.assertRaises(Refused, call).status)

    def ask(
        self, *jobs: Job, status: str = "recording", node: str | None = "n", **more: Any
    ) -> Any:
        wishes = {"length": 1, "most": 10, "named": None, "named_id": None, **more}
        target = Target(recording_node=node, recording_status=status, jobs=jobs)
        return admit(target, node_id="n", **wishes)

    def test_order_of_checks(self) -> None:
        """Unknown comes before foreign, foreign before large, large before failed."""
        self.assertEqual(self.refused(lambda: self.ask(node=None, length=99)), 404)
        self.assertEqual(self.refused(lambda: self.ask(node="m", length=99)), 403)
        self.assertEqual(self.refused(lambda: self.ask(status="failed", length=11)), 413)
        self.assertEqual(self.refused(lambda: self.ask(status="failed", length=10)), 409)

    def test_undeclared_length(self) -> None:
        """A body of unknown length is let in and counted later."""
        self.assertEqual(self.ask(job("running"), length=None), job("running"))

    def test_implicit_job(self) -> None:
        """Without a header the first job that did not fail owns the upload."""
        jobs = [job("failed", "a"), job("completed", "b"), job("running", "c")]
        self.assertEqual(self.ask(*jobs).id, "b")

    def test_no_job_left(self) -> None:
        """Nothing is let in when every job failed; a recording that never had one takes files."""
        self.assertEqual(self.refused(lambda: self.ask(job("failed"), job("cancelled", "b"))), 409)
        self.assertIsNone(self.ask())

    def test_named_job(self) -> None:
        """A named job must exist, be the node's, be of this recording, and not have failed."""
        here, foreign, other = job("running"), job("running", "f", "m"), job("running", "o")
        cases = [
            (None, 404),
            (foreign, 403),
            (other, 403),
        ]
        for named, status in cases:
            got = self.refused(partial(self.ask, here, named=named, named_id="x"))
            self.assertEqual(got, status)
        for bad in (job("failed"), job("cancelled")):
            self.assertEqual(self.refused(partial(self.ask, bad, named=bad, named_id="x")), 409)
        self.assertEqual(self.ask(here, named=here, named_id="x"), here)

    def test_durations(self) -> None:
        """Durations are rounded, halves up; what is no number of at least 0 is refused."""
        known = {"0": 0, "1.4": 1, "1.5": 2, "2.5": 3, "1e1": 10, " 7 ": 7}
        self.assertEqual({value: read_duration(value) for value in known}, known)
        self.assertIsNone(read_duration(None))
        for value in ("-1", "NaN", "x", "", "Infinity", "1_0"):
            self.assertEqual(self.refused(partial(read_duration, value)), 400)

    def test_chunks(self) -> None:
        """Chunks count from 0, and an empty text is 0."""
        self.assertEqual([read_chunk(value) for value in (None, "", "0", "12")], [None, 0, 0, 12])
        for value in ("-1", "1.5", "x"):
            self.assertEqual(self.refused(partial(read_chunk, value)), 400)

    def test_totals(self) -> None:
        """A total is a whole number of at least 1, or says nothing."""
        values = (None, "", "0", "-1", "1.5", "x", "1", "9")
        self.assertEqual([read_chunk_total(value) for value in values], [None] * 6 + [1, 9])

    def test_renditions(self) -> None:
        """Only raw and enhanced are other than primary."""
        values = (None, "raw", "enhanced", "Raw", "primary", "")
        self.assertEqual(
            [read_rendition(value) for value in values],
            ["primary", "raw", "enhanced", "primary", "primary", "primary"],
        )

    def test_codecs(self) -> None:
        """The name decides before the type, and mp3 is what is left."""
        self.assertEqual(codec_of("a.FLAC", "audio/wav"), "flac")
        self.assertEqual(codec_of("a.ogg", "audio/x-wav"), "wav")
        self.assertEqual(codec_of(None, "audio/flac"), "flac")
        self.assertEqual(codec_of("../../etc/passwd", None), "mp3")

    @given(st.text())
    def test_no_text_breaks_them(self, value: str) -> None:
        """Whatever a header says, it is read or refused."""
        read_chunk_total(value)
        read_rendition(value)
        codec_of(value, value)
        for reader in (read_duration, read_chunk):
            try:
                reader(value)
            except Refused as refused:
                self.assertEqual(refused.status, 400)
