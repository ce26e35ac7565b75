"""Tests for ``rakkr.jobs.state_file``."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from rakkr.jobs.contract_state import contract_state
from rakkr.jobs.state_file import StateFile, take_state
from rakkr.jobs.trouble import Trouble
from tests.fakes.threads import FakeThreads
from tests.jobs.remembering import RUN, claimed, known, planned, segment
from tests.jobs.test_foreign import LEGACY


class WriteTests(SynchronousTestCase):
    """The file that others read."""

    def setUp(self) -> None:
        self.path = Path(tempfile.mkdtemp()) / "data" / "state.json"
        self.threads = FakeThreads()
        self.troubles: list[Trouble] = []
        self.file = StateFile(self.path, lambda: 7.0, self.threads, self.troubles.append)

    def content(self) -> Any:
        """What is in it."""
        return json.loads(self.path.read_bytes())

    def test_form(self) -> None:
        """It is one object, indented by two spaces, in the contract's order."""
        self.file.write(known(*RUN))
        self.successResultOf(self.file.flush())
        state = contract_state(known(*RUN), 7.0)
        self.assertEqual(self.path.read_text(), json.dumps(state, indent=2) + "\n")
        self.assertEqual(self.content()["updatedAt"], "1970-01-01T00:00:07.000Z")

    def test_burst(self) -> None:
        """Of changes that come while it is written only the last one is written after."""
        self.threads.held = []
        for number in range(1, 6):
            self.file.write(known(claimed(number)))
        still = self.file.flush()
        self.assertEqual(len(self.threads.held), 1)
        self.threads.held.pop()()
        self.assertEqual(self.content()["jobId"], "job_1")
        self.assertNoResult(still)
        self.assertEqual(len(self.threads.held), 1)
        self.threads.release()
        self.assertEqual(self.content()["jobId"], "job_5")
        self.successResultOf(still)

    def test_still(self) -> None:
        """With nothing to be written there is nothing to wait for."""
        self.successResultOf(self.file.flush())
        self.assertFalse(self.path.exists())

    def test_failing(self) -> None:
        """A disk that takes nothing is reported once for each run of failures."""
        full = mock.patch("os.fsync", side_effect=OSError(28, "No space left on device"))
        with full:
            self.file.write(known())
            self.file.write(known(planned()))
        self.assertEqual(
            [(each.what, each.path) for each in self.troubles], [("unwritable", self.path)]
        )
        self.file.write(known())
        self.assertEqual(self.content()["status"], "running")
        with full:
            self.file.write(known(planned()))
        self.assertEqual(len(self.troubles), 2)
        self.successResultOf(self.file.flush())


class TakeTests(SynchronousTestCase):
    """The file that an earlier agent left."""

    def setUp(self) -> None:
        self.path = Path(tempfile.mkdtemp()) / "state.json"

    def test_none(self) -> None:
        """There may be none."""
        self.assertEqual(take_state(self.path), (None, None))

    def test_good(self) -> None:
        """A good one is read, and stays."""
        self.path.write_text(json.dumps(LEGACY))
        state, trouble = take_state(self.path)
        assert state is not None
        self.assertEqual((state.job_id, trouble), ("job_9", None))
        self.assertTrue(self.path.exists())

    def test_ours(self) -> None:
        """So is our own."""
        StateFile(self.path, lambda: 0.0, FakeThreads(), self.fail).write(known(*segment(1)))
        state, _ = take_state(self.path)
        assert state is not None
        self.assertEqual(state.output_path, "/captures/rec_1.1.raw.wav")

    def test_damaged(self) -> None:
        """A damaged one is set aside and named, cut off at whichever byte."""
        content = json.dumps(LEGACY).encode()
        for cut in range(0, len(content), 7):
            self.path.write_bytes(content[:cut])
            state, trouble = take_state(self.path)
            assert trouble is not None
            self.assertEqual((state, trouble.what), (None, "damaged"))
            self.assertEqual(trouble.path.read_bytes(), content[:cut])
            self.assertFalse(self.path.exists())

    def test_unreadable(self) -> None:
        """One that no disk gives out is reported, and left alone."""
        self.path.mkdir()
        state, trouble = take_state(self.path)
        assert trouble is not None
        self.assertEqual((state, trouble.what), (None, "unreadable"))
