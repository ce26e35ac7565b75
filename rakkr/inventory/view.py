"""What a sound server shows, or why it shows nothing."""

from __future__ import annotations

from typing import Literal

import attrs

from rakkr.inventory.jack import Patchbay
from rakkr.inventory.pipewire import Graph

Server = Literal["pipewire", "jack"]


@attrs.frozen
class NoAnswer:
    """
    A server that shows nothing.

    :ivar why: for people.
    :ivar blind: whether it is because we cannot look at all, on this machine.
    :ivar absent: whether there is no such server, for sure.
    """

    why: str
    blind: bool = False
    absent: bool = False

    @property
    def means_none(self) -> bool:
        """Whether the server has no source, rather than that we do not know which."""
        return self.blind or self.absent


View = Graph | Patchbay | NoAnswer
"""What a server shows at this moment."""
