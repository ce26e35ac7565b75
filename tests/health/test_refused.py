"""Tests for ``rakkr.health.refused``."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.refused import DeadLetters


class DeadLettersTests(SynchronousTestCase):
    """What a controller refused for good."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = self.directory / "refused.jsonl"

    def test_kept(self) -> None:
        """The event is kept with the answer, a line each."""
        letters = DeadLetters(self.path)
        letters.add({"id": "a"}, 400, "Invalid health event")
        letters.add({"id": "b"}, 413, "")
        found = [json.loads(line) for line in self.path.read_text().splitlines()]
        self.assertEqual(
            found,
            [
                {"body": "Invalid health event", "event": {"id": "a"}, "status": 400},
                {"body": "", "event": {"id": "b"}, "status": 413},
            ],
        )

    def test_bounded(self) -> None:
        """There are two files at most, each as long as the limit and one record more."""
        letters = DeadLetters(self.path, max_bytes=100)
        for number in range(100):
            letters.add({"id": f"{number:03}"}, 400, "no")
        sizes = [each.stat().st_size for each in self.directory.iterdir()]
        self.assertEqual(len(sizes), 2)
        self.assertLess(max(sizes), 200)
        self.assertIn('"099"', self.path.read_text())
