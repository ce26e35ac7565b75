"""The page of settings tells the truth."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.settings import SETTINGS
from rakkr.settings_document import document

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"


class DocumentTests(SynchronousTestCase):
    """``docs/settings.md``."""

    def test_page_is_fresh(self) -> None:
        """The page in docs is what the table makes now."""
        stale = "write it anew: python -m rakkr.settings_document > docs/settings.md"
        self.assertEqual(PAGE.read_text(encoding="utf-8"), document(), stale)

    def test_every_setting(self) -> None:
        """Every setting has one line with its variable and default, and every cell is whole."""
        lines = [line for line in document().splitlines() if line.startswith("| `--")]
        self.assertEqual(len(lines), len(SETTINGS))
        for row, line in zip(SETTINGS, lines, strict=True):
            cells = line.replace("\\|", "").strip("| ").split(" | ")
            self.assertEqual(cells[1], f"`{row.env}`" if row.env else "none")
            self.assertEqual((len(cells), cells[3]), (5, f"`{row.shown_default}`"))
