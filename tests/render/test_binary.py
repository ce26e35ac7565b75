"""Which program renders."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from twisted.trial.unittest import SynchronousTestCase

from rakkr.render.binary import Renderer, bundled_ffmpeg, find_renderer
from rakkr.render.errors import RendererMissing


class FindTests(SynchronousTestCase):
    """The program is found without being started."""

    def setUp(self):
        """Make an empty folder to look into."""
        self.folder = Path(mkdtemp())
        self.addCleanup(rmtree, self.folder)

    def program(self, name, mode=0o755):
        """Put a program there."""
        path = self.folder / name
        path.touch()
        path.chmod(mode)
        return str(path)

    def find(self, command, bundled=None):
        """Look it up in that folder only."""
        return find_renderer(command, str(self.folder), lambda: bundled)

    def test_on_path(self):
        """A program on the path is used, not the bundled one."""
        path = self.program("ffmpeg")
        self.assertEqual(self.find("ffmpeg", Path("/bundled")), Renderer(path, None))

    def test_path(self):
        """A path is used as it is given."""
        path = self.program("my-ffmpeg", 0o755)
        self.assertEqual(self.find(path).command, path)

    def test_bundled(self):
        """Without an ffmpeg on the path the bundled one is used."""
        self.assertEqual(self.find("ffmpeg", Path("/bundled")).command, "/bundled")

    def test_nothing(self):
        """With neither, the sentence names what to install."""
        with self.assertRaisesRegex(RendererMissing, r"package ffmpeg, .*rakkr-recorder\[ffmpeg\]"):
            self.find("ffmpeg")

    def test_other_command(self):
        """A command that somebody chose is never replaced by another."""
        with self.assertRaisesRegex(RendererMissing, "avconv .* --channel-render-command"):
            self.find("avconv", Path("/bundled"))

    def test_not_executable(self):
        """A file that cannot be executed is not a program."""
        path = self.program("ffmpeg", 0o644)
        self.assertRaises(RendererMissing, self.find, path)

    def test_nice(self):
        """Where there is nice, rendering gives way to captures."""
        nice, path = self.program("nice"), self.program("ffmpeg")
        self.assertEqual(self.find("ffmpeg").argv(["-y"]), [nice, "-n", "10", path, "-y"])
        self.assertEqual(Renderer(path).argv(["-y"]), [path, "-y"])

    def test_bundle(self):
        """What the wheel carries is a program or nothing."""
        found = bundled_ffmpeg()
        self.assertTrue(found is None or found.name.startswith("ffmpeg-"))
