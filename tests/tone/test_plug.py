"""A card that can be pulled."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.tone.plug import Plug


class PlugTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a plug that is in."""
        self.path = Path(self.enterContext(tempfile.TemporaryDirectory())) / "plug"
        self.path.touch()

    def test_pulled(self) -> None:
        """Without the plug there is no device: neither to open nor to go on with."""
        plug = Plug(self.path)
        plug.open("numbered:0")
        self.path.unlink()
        for use in (plug.check, lambda: Plug(self.path).open("numbered:1")):
            with self.assertRaises(OSError) as caught:
                use()
            self.assertEqual(caught.exception.errno, errno.ENODEV)
        self.path.touch()
        plug.check()

    def test_one_program_at_a_time(self) -> None:
        """A card that is open is busy for everybody else; another card is not."""
        Plug(self.path).open("numbered:0")
        with self.assertRaises(OSError) as caught:
            Plug(self.path).open("numbered:0")
        self.assertEqual(caught.exception.errno, errno.EBUSY)
        Plug(self.path).open("numbered:a/b")

    def test_without_a_plug(self) -> None:
        """A card without a plug is always there, for everybody."""
        for _ in range(2):
            plug = Plug(None)
            plug.open("tone")
            plug.check()
