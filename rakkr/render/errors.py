"""What can go wrong between a capture and the file that a listener gets."""

from __future__ import annotations


class RenderError(Exception):
    """A recording cannot be rendered; the message is one sentence for a technician."""


class ImpossibleRender(RenderError):
    """The file that was asked for cannot exist, which is known before anything is captured."""


class RenderFailed(RenderError):
    """The render program failed, stopped moving, or made less than it was asked for."""


class RendererMissing(RenderError):
    """There is no render program on this machine."""
