"""Which of the captures is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from weakref import WeakKeyDictionary

import attrs

from rakkr.capture.capture import Capture

_NEVER: Final = -2


@attrs.frozen
class Recorded:
    """
    A capture that gives samples, or has just given the last one.

    :ivar interface_id: the controller's id of what it records, None when the job named none.
    """

    capture: Capture
    interface_id: str | None


@attrs.frozen
class Choice:
    """
    A capture that is to be measured.

    :ivar from_start: whether all of it, because it has only just begun.
    """

    recorded: Recorded
    from_start: bool


class Chooser:
    """
    Chooses among captures, look by look.

    One that runs comes before one that has ended.  Of a capture that was there while another one
    was measured only the present counts: what lies before is too old to be sent as levels of now.
    """

    def __init__(self) -> None:
        self._look = 0
        self._first_seen: WeakKeyDictionary[Capture, int] = WeakKeyDictionary()

    def see(self, recorded: Sequence[Recorded]) -> None:
        """Take a look into account: these are there."""
        self._look += 1
        for each in recorded:
            self._first_seen.setdefault(each.capture, self._look)

    def choose(self, recorded: Sequence[Recorded]) -> Choice | None:
        """Choose one that was not chosen before."""
        left = [each for each in recorded if self._first_seen[each.capture] != _NEVER]
        running = (each for each in left if each.capture.outcome is None)
        # It may begin and end between two looks, or while the one before is measured to its end.
        ended = (each for each in left if self._is_new(each))
        chosen = next(running, None) or next(ended, None)
        if chosen is None:
            return None
        choice = Choice(chosen, self._is_new(chosen))
        self._first_seen[chosen.capture] = _NEVER
        return choice

    def _is_new(self, recorded: Recorded) -> bool:
        """Whether it came at this look or the one before, and nobody has measured it."""
        seen = self._first_seen[recorded.capture]
        return not recorded.capture.adopted and seen >= max(1, self._look - 1)
