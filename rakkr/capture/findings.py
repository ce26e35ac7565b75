"""What a machine has to capture with, as the decision how to do it needs it."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from rakkr.capture.abilities import Abilities
from rakkr.inventory.view import NoAnswer, View


@attrs.frozen(kw_only=True)
class Findings:
    """
    What there is at this moment.

    :ivar programs: the programs that can be used for the request, by the name or path that they
        are called by; None while nobody has looked.
    :ivar view: what the sound server of the request shows.
    :ivar client: a name for the capture at that server, which no other has.
    """

    programs: Mapping[str, Abilities] | None = None
    view: View = attrs.field(factory=lambda: NoAnswer("nobody looked", blind=True))
    client: str = "rakkr"

    def can(self, command: str, option: str) -> bool:
        """Whether a program surely knows an option."""
        abilities = (self.programs or {}).get(command)
        return abilities is not None and abilities.has(option)
