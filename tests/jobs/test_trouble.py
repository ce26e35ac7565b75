"""Tests for ``rakkr.jobs.trouble``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import get_args, get_type_hints

from twisted.trial.unittest import SynchronousTestCase

from rakkr.jobs.trouble import Trouble, set_aside
from tests.fakes.evidence import Noted


class TroubleTests(SynchronousTestCase):
    """Files that are not as they should be."""

    def test_sentence(self) -> None:
        """It says for people which file, what, and why."""
        trouble = Trouble("unwritable", Path("/a/b"), "the disk is full")
        advice = "make room there, or let the agent write there"
        self.assertEqual(trouble.sentence, f"/a/b cannot be written: the disk is full; {advice}")

    def test_told(self) -> None:
        """Whatever it is, the catalogue has it."""
        for what in get_args(get_type_hints(Trouble)["what"]):
            trouble = Trouble(what, Path("/a/b"), "e")
            self.assertIn("/a/b", trouble.sentence)
            facts = {"error": "e", "path": "/a/b", "what": what}
            Noted().emit("agent.recording_job.journal_trouble", "warning", facts)

    def test_set_aside(self) -> None:
        """A file gets a new name, and one that was set aside earlier stays."""
        path = Path(tempfile.mkdtemp()) / "a.json"
        for content, name in (("1", "a.json.damaged"), ("2", "a.json.damaged.2")):
            path.write_text(content)
            aside = set_aside(path)
            self.assertEqual((aside.name, aside.read_text()), (name, content))
            self.assertFalse(path.exists())
        self.assertEqual((path.parent / "a.json.damaged").read_text(), "1")
