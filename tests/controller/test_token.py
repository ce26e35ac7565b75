"""Where the token comes from."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.errors import TokenUnreadable
from rakkr.controller.token import FileToken, TextToken
from tests.controller.places import new_path


class TokenTests(SynchronousTestCase):
    """Tokens of settings and of files."""

    def refusal(self, source: Any) -> str:
        """The sentence of a source without a token."""
        return str(self.failureResultOf(source.current(), TokenUnreadable).value)

    def test_text(self) -> None:
        """A token is stripped, never another, and refused when it would break its header."""
        source = TextToken("  abc\n")
        self.assertEqual(self.successResultOf(source.current()), "abc")
        self.assertFalse(self.successResultOf(source.renew("x")))
        for nothing in (None, "", " \n"):
            self.assertIn("No controller token", self.refusal(TextToken(nothing)))
        for bad in ("two words", "a\r\nHost: evil", "schlüssel"):
            sentence = self.refusal(TextToken(bad))
            self.assertIn("is no token", sentence)
            self.assertNotIn(bad, sentence)

    def test_file(self) -> None:
        """A file is read once, and again after a refusal; only another token counts as new."""
        path = new_path(self)
        path.write_text("old\n")
        source = FileToken(path, maybeDeferred)
        self.assertEqual(self.successResultOf(source.current()), "old")
        path.write_text("new\n")
        self.assertEqual(self.successResultOf(source.current()), "old")
        self.assertTrue(self.successResultOf(source.renew("old")))
        self.assertEqual(self.successResultOf(source.current()), "new")
        self.assertFalse(self.successResultOf(source.renew("new")))

    def test_refused_twice(self) -> None:
        """Of two calls that were refused with the old token, the later one gets the new one too."""
        path = new_path(self)
        path.write_text("old")
        source = FileToken(path, maybeDeferred)
        self.successResultOf(source.current())
        path.write_text("new")
        self.assertTrue(self.successResultOf(source.renew("old")))
        self.assertTrue(self.successResultOf(source.renew("old")))

    def test_unreadable_file(self) -> None:
        """A missing, empty or wrong file is a sentence that names it, until it is there."""
        path = new_path(self)
        source = FileToken(path, maybeDeferred)
        self.assertIn(f"{path} cannot be read: No such file", self.refusal(source))
        path.write_text(" \n")
        self.assertIn(f"{path} is empty", self.refusal(source))
        path.write_bytes(b"\xff\xfe")
        self.assertIn(f"{path} is no token", self.refusal(source))
        path.write_text("good")
        self.assertEqual(self.successResultOf(source.current()), "good")
        path.unlink()
        self.failureResultOf(source.renew("good"), TokenUnreadable)
