"""Tests of bearer tokens."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.solo.tokens import NODE_PREFIX, bearer, make_token, token_file


class TokenTests(SynchronousTestCase):
    def test_form(self) -> None:
        """A token is its prefix and 32 bytes in base64url without padding."""
        token = make_token(NODE_PREFIX, lambda length: b"\xff" * length)
        self.assertEqual(token, "rakkr_node_" + "_" * 42 + "8")

    def test_file(self) -> None:
        """A token is made once, for its owner only."""
        with tempfile.TemporaryDirectory() as kept:
            path = Path(kept) / "node-token"
            made = token_file(path, NODE_PREFIX, bytes)
            self.assertEqual(token_file(path, NODE_PREFIX, lambda _: b"other"), made)
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)

    def test_header(self) -> None:
        """The scheme may be written in any case; a second space ends it."""
        known = {"Bearer x": "x", "bearer x": "x", "BEARER x y": "x"}
        self.assertEqual({text: bearer(text) for text in known}, known)
        for text in (None, "", "Bearer", "Bearer  x", "Basic x", "x"):
            self.assertIsNone(bearer(text))
