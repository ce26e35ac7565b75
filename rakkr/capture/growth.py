"""Whether the file of a capture still grows."""

from __future__ import annotations

import attrs


@attrs.frozen
class StallEvidence:
    """
    What was seen when a capture was found to have stalled; whole seconds.

    :ivar size: bytes of the file, None if there was none.
    :ivar age_seconds: since the capture began.
    :ivar unchanged_seconds: since the file last grew.
    :ivar grace_seconds: the grace that was given.
    :ivar stalled_seconds: the silence that was allowed.
    """

    size: int | None
    age_seconds: int
    unchanged_seconds: int
    grace_seconds: int
    stalled_seconds: int

    @property
    def sentence(self) -> str:
        """The reason in the words that controllers know."""
        size = "None" if self.size is None else f"Some({self.size})"
        return (
            f"capture output stalled: size={size} age={self.age_seconds}s"
            f" unchanged={self.unchanged_seconds}s"
        )


@attrs.frozen
class Growth:
    """
    The growth of one file so far; times are of a monotonic clock.

    Only a new largest size is growth: a file that vanished or shrank does not grow.

    :ivar began: when the capture began.
    :ivar grew: when the file was last seen to have grown.
    :ivar largest: the largest size seen, in bytes.
    :ivar size: the size at the last look, None if there was no file.
    """

    began: float
    grew: float
    largest: int = 0
    size: int | None = None

    def seen(self, size: int | None, now: float) -> Growth:
        """Take a look at the file into account."""
        if size is not None and size > self.largest:
            return Growth(self.began, now, size, size)
        return attrs.evolve(self, size=size)

    def stalled(
        self, now: float, *, grace_seconds: float, stalled_seconds: float
    ) -> StallEvidence | None:
        """Say what shows that the capture has stalled, or None while it may live."""
        allowed = max(1.0, stalled_seconds)
        age, unchanged = now - self.began, now - self.grew
        if age <= grace_seconds or unchanged < allowed:
            return None
        return StallEvidence(
            self.size, int(age), int(unchanged), int(grace_seconds), int(stalled_seconds)
        )
