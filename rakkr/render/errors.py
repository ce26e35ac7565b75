"""What can go wrong between a capture and the file that a listener gets."""

from __future__ import annotations


class RenderError(Exception):
    """A recording cannot be rendered; the message is one sentence for a technician."""


class ImpossibleRender(RenderError):
    """The file that was asked for cannot exist, which is known before anything is captured."""


class RenderFailed(RenderError):
    """
    The render program failed, stopped moving, or made less than it was asked for.

    :ivar disk_full: whether the reason is a disk, or a quota, that takes no more.
    """

    def __init__(self, message: str, *, disk_full: bool = False) -> None:
        super().__init__(message)
        self.disk_full = disk_full


class RendererMissing(RenderError):
    """There is no render program on this machine."""
