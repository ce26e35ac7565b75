"""What a machine has to capture with, as the decision how to do it needs it."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from rakkr.capture.abilities import Abilities
from rakkr.capture.tie import NoAnswer, View


@attrs.frozen(kw_only=True)
class Findings:
    """
    What there is at this moment.

    :ivar programs: the programs that are there, by the name or path that they are called by.
    :ivar plugins: the names that ALSA has for sound servers, such as ``pipewire`` and ``jack``.
    :ivar view: what the sound server of the request shows.
    :ivar client: a name for the capture at that server, which no other has.
    """

    programs: Mapping[str, Abilities] = attrs.field(factory=dict)
    plugins: frozenset[str] = frozenset()
    view: View = attrs.field(factory=lambda: NoAnswer("nobody looked", blind=True))
    client: str = "rakkr"
