"""Which ffmpeg renders."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import attrs

from rakkr.render.errors import RendererMissing

DEFAULT_COMMAND: Final = "ffmpeg"
_NICENESS: Final = "10"


@attrs.frozen
class Renderer:
    """
    The program that renders.

    :ivar command: its path.
    :ivar nice: the path of ``nice``, so that rendering yields to captures, or None.
    """

    command: str
    nice: str | None = None

    def argv(self, args: list[str]) -> list[str]:
        """Return the whole command line."""
        return self.polite([self.command, *args])

    def polite(self, argv: Sequence[str]) -> list[str]:
        """Let a program yield to captures; ``nice`` becomes the program, so signals reach it."""
        return [*([] if self.nice is None else [self.nice, "-n", _NICENESS]), *argv]


def bundled_ffmpeg() -> Path | None:
    """
    Find the ffmpeg inside the imageio-ffmpeg wheel, if that is installed.

    The package's own lookup reads the environment and starts programs; its folder is looked into
    instead.
    """
    spec = find_spec("imageio_ffmpeg")
    for place in (spec.submodule_search_locations or []) if spec is not None else []:
        for found in sorted(Path(place, "binaries").glob("ffmpeg-*")):
            if found.is_file() and os.access(found, os.X_OK):
                return found
    return None


def find_renderer(
    command: str, search_path: str, bundled: Callable[[], Path | None] = bundled_ffmpeg
) -> Renderer:
    """
    Find the render program without starting anything.

    :param command: a name or a path; only the default name falls back on the bundled program.
    :param search_path: where names are looked up, as in ``PATH``.
    :raises RendererMissing: naming what to install.
    """
    nice = shutil.which("nice", path=search_path)
    found = shutil.which(command, path=search_path)
    if found is not None:
        return Renderer(str(Path(found).absolute()), nice)
    if command != DEFAULT_COMMAND:
        raise RendererMissing(
            f"the render command {command} is not an executable program; "
            "correct --channel-render-command"
        )
    carried = bundled()
    if carried is None:
        raise RendererMissing(
            "there is no ffmpeg on this machine; install the package ffmpeg, "
            "or the extra rakkr-recorder[ffmpeg]"
        )
    return Renderer(str(carried), nice)
