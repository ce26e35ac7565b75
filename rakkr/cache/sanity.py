"""Whether the wall clock may be believed when it says how old something is."""

from __future__ import annotations

from typing import Final

from rakkr.stamps import format_stamp
from rakkr.version import RELEASED

MOST_SKEW_SECONDS: Final = 300.0
"""So much more or less than the controller's clock changes no age that is counted in days."""
MARGIN_SECONDS: Final = 300.0
"""A clock that is put right goes back by a little."""


def clock_trouble(now: float, newest_upload: float | None, skew: float | None) -> str | None:
    """
    Say why the clock cannot be right, if so.

    Where the controller's clock agrees, ours is right whatever an older stamp says.  Where that was
    never compared, nothing is certain: a clock that is years ahead finds every certificate expired.

    :param now: seconds since the epoch, as is ``newest_upload``, the youngest that is known.
    :param skew: controller time minus ours in seconds, None if it was never measured.
    """
    if now < RELEASED:
        return f"the clock says {format_stamp(now)}, which is before this version was released"
    if skew is not None:
        if abs(skew) > MOST_SKEW_SECONDS:
            return f"the clock differs from the controller's by {abs(skew):.0f} s"
        return None
    if newest_upload is not None and now < newest_upload - MARGIN_SECONDS:
        return f"the clock says {format_stamp(now)}, but {format_stamp(newest_upload)} was before"
    return "the clock was not compared with the controller's yet"
