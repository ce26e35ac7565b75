"""What is said about a file besides its bytes, and what the controller must say in return."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import attrs
from attrs.validators import ge, in_, matches_re, optional
from twisted.logger import Logger
from twisted.web.iweb import IBodyProducer

from rakkr.controller.budget import Budget
from rakkr.controller.errors import WrongReceipt
from rakkr.controller.filebody import FileBody, FileSource
from rakkr.controller.messages import Receipt
from rakkr.controller.sanitise import header_text
from rakkr.threads import InThread

#: Called with the bytes taken for sending and the bytes in all.
Progress = Callable[[int, int], None]


def _measured(_: object, field: attrs.Attribute[Any], value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise ValueError(f"'{field.name}' must be a length of time, not {value}")


@attrs.frozen(kw_only=True)
class Upload:
    """
    A file to be uploaded.

    :ivar content_type: its media type, such as ``audio/flac``.
    :ivar file_name: the name whose extension the controller keeps.
    :ivar duration_seconds: its *measured* length; None lets the controller measure.
    :ivar checksum: ``sha256:<hex>`` of the file where the agent computed it before; then it is not
        computed again on the way, and the receipt is held against it.
    :ivar job_id: the job that it belongs to.
    :ivar rendition: None for the primary one.
    :ivar chunk: 0-based number of a chunk, None for a whole recording.
    :ivar chunk_total: how many chunks there are, with the last one.
    """

    path: Path
    content_type: str
    file_name: str
    duration_seconds: float | None = attrs.field(default=None, validator=_measured)
    checksum: str | None = attrs.field(
        default=None, validator=optional(matches_re(r"sha256:[0-9a-f]{64}"))
    )
    job_id: str | None = None
    rendition: Literal["raw", "enhanced"] | None = attrs.field(
        default=None, validator=optional(in_(("raw", "enhanced")))
    )
    chunk: int | None = attrs.field(default=None, validator=optional(ge(0)))
    chunk_total: int | None = attrs.field(default=None, validator=optional(ge(1)))

    def query(self) -> dict[str, str | int | None]:
        """Return the parameters of its URL, in their order."""
        return {"rendition": self.rendition, "chunk": self.chunk, "chunkTotal": self.chunk_total}

    def headers(self) -> dict[str, str]:
        """Return its headers."""
        said = {
            "content-type": header_text(self.content_type),
            "x-rakkr-file-name": _file_name(self.file_name),
            "x-rakkr-recording-job-id": header_text(self.job_id or ""),
        }
        if self.duration_seconds is not None:
            said["x-rakkr-duration-seconds"] = f"{self.duration_seconds:.6f}"
        return {name: value for name, value in said.items() if value}


def _file_name(name: str) -> str:
    """Shorten a long name in its middle: only its extension means something to the controller."""
    path = Path(name)
    suffix = header_text(path.suffix, 20)
    return header_text(path.stem, 200) + suffix


class Sending:
    """One file on its way to the controller, over however many attempts."""

    log = Logger()

    def __init__(self, upload: Upload, in_thread: InThread, progress: Progress | None) -> None:
        self._upload = upload
        self._in_thread = in_thread
        self._progress = progress
        self._body: FileBody | None = None

    async def open_body(self, budget: Budget) -> IBodyProducer:
        """
        Open the file for an attempt.

        :raises UnsendableFile: when it is missing, empty or unreadable.
        """
        source = await self._in_thread(lambda: FileSource(self._upload.path, self._upload.checksum))
        budget.doing = "it took nothing of the file"

        def moved(sent: int) -> None:
            budget.touch()
            budget.doing = (
                "it took no more of the file"
                if sent < source.size
                else "no answer came after the whole file was sent"
            )
            if self._progress is not None:
                with self.log.failuresHandled("while telling the progress of an upload"):
                    self._progress(sent, source.size)

        self._body = FileBody(source, self._in_thread, moved)
        return self._body

    def check(self, receipt: Receipt) -> None:
        """
        Compare what was stored with what was sent.

        :raises WrongReceipt: when they differ, or the receipt came before everything was sent.
        """
        body = self._body
        assert body is not None
        stored = (receipt.size, receipt.checksum.lower())
        if not body.complete or stored != (body.sent, body.checksum):
            raise WrongReceipt(body.sent, body.checksum, receipt.size, receipt.checksum)
