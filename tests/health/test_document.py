"""The page of events tells the truth."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.catalogue import CATALOGUE
from rakkr.health.document import document

PAGE = Path(__file__).parents[2] / "docs" / "events.md"


class DocumentTests(SynchronousTestCase):
    """``docs/events.md``."""

    def test_page_is_fresh(self) -> None:
        """The page in docs is what the catalogue makes now."""
        stale = "write it anew: python -m rakkr.health.document > docs/events.md"
        self.assertEqual(PAGE.read_text(encoding="utf-8"), document(), stale)

    def test_every_type(self) -> None:
        """Every type has a heading, and below it what it means, when it clears, what to do."""
        entries = document().split("\n### `")[1:]
        self.assertEqual([entry.split("`")[0] for entry in entries], list(CATALOGUE))
        for entry, row in zip(entries, CATALOGUE.values(), strict=True):
            for text in (row.means, row.clears, row.do, *row.severities, *row.details.members):
                self.assertIn(text, entry)

    def test_tables_are_whole(self) -> None:
        """No text breaks the table that it is in."""
        for line in document().splitlines():
            if line.startswith("| "):
                self.assertEqual(line.count("|"), line.count(" | ") + 2, line)
