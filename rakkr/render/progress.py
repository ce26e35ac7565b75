"""What ffmpeg says with ``-progress``: lines of ``key=value`` in blocks."""

from __future__ import annotations

from typing import Final

_LONGEST_LINE: Final = 4096


class Progress:
    """
    Reads progress as it arrives, in pieces of any size; what it does not know it passes over.

    :ivar seconds: how much audio was written so far; it only grows.
    :ivar ended: whether ffmpeg said that it is through.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.ended = False
        self._rest = b""

    def feed(self, data: bytes) -> bool:
        """Read on; True when :attr:`seconds` grew or the end was announced."""
        before = (self.seconds, self.ended)
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-_LONGEST_LINE:]
        for line in lines:
            key, _, value = line.partition(b"=")
            self._read(key.strip(), value.strip())
        return (self.seconds, self.ended) != before

    def _read(self, key: bytes, value: bytes) -> None:
        if key == b"out_time_us" and value.isdigit():  # N/A before the first packet
            self.seconds = max(self.seconds, int(value) / 1e6)
        elif key == b"progress" and value == b"end":
            self.ended = True
