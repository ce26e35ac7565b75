"""How a program ended, in the words of its shim."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.capture.exit_note import ExitNote, read_note


class ReadNoteTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a path."""
        self.path = Path(self.enterContext(tempfile.TemporaryDirectory())) / "a.exit"

    def read(self, text: str) -> ExitNote | None:
        """Read what stands there."""
        self.path.write_text(text, encoding="utf-8")
        return read_note(self.path)

    def test_notes(self) -> None:
        """A code or a signal, and the moment, are understood."""
        self.assertEqual(
            self.read('{"code": 1, "signal": null, "endedAt": 5.25, "leash": false}'),
            ExitNote(1, None, 5.25),
        )
        self.assertEqual(
            self.read('{"code": null, "signal": 9, "endedAt": 7, "leash": true}'),
            ExitNote(None, 9, 7.0, leashed=True),
        )

    def test_nothing(self) -> None:
        """Without a file there is no note."""
        self.assertIsNone(read_note(self.path))

    def test_nonsense(self) -> None:
        """What makes no sense is no note."""
        for text in (
            "",
            "{",
            "[]",
            "{}",
            '{"code": 1, "signal": null}',
            '{"code": null, "signal": null, "endedAt": 5}',
            '{"code": true, "signal": null, "endedAt": 5}',
            '{"code": 1, "signal": null, "endedAt": NaN}',
            '{"code": 1, "signal": null, "endedAt": true}',
            "[" * 100_000,
        ):
            self.assertIsNone(self.read(text), text[:40])

    @given(st.recursive(st.none() | st.integers() | st.floats() | st.text(), st.lists))
    def test_anything(self, value: object) -> None:
        """Whatever stands there, nothing is raised."""
        self.read(json.dumps({"code": value, "signal": value, "endedAt": value}))
        self.read(json.dumps(value))
