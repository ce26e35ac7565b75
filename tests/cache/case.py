"""A cache of real files on a fake clock, with journals as a test wishes them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.cache.stock import Books
from rakkr.controller.messages import CacheRetention
from rakkr.disk.holding import Holding, needed_files
from rakkr.settings import Settings
from tests.cache.holding import NOON, delivered
from tests.fakes.evidence import Noted


@attrs.define(slots=False)
class FakeBooks:
    """
    Journals.

    :ivar holdings: what they say; None while they were not read.
    :ivar noted: what they were told of, by job.
    """

    holdings: list[Holding] | None = attrs.field(factory=list)
    noted: dict[str, set[Path]] = attrs.field(factory=dict)

    def look(self) -> Callable[[], list[Holding]] | None:
        """Say what a test laid out."""
        if self.holdings is None:
            return None
        now = list(self.holdings)
        return lambda: now

    def needed(self) -> Callable[[], set[Path]]:
        """Say what a test laid out."""
        now = list(self.holdings or ())
        return lambda: needed_files(now)

    async def given_back(self, gone: Mapping[str, Collection[Path]]) -> None:
        """Keep it, and name those files no more."""
        for job, paths in gone.items():
            self.noted.setdefault(job, set()).update(paths)
        lost = {path for paths in gone.values() for path in paths}
        self.holdings = [
            attrs.evolve(each, files=tuple(path for path in each.files if path not in lost))
            for each in self.holdings or ()
        ]


_check: type[Books] = FakeBooks


class CacheCase(SynchronousTestCase):
    """Files, journals and evidence."""

    def setUp(self) -> None:
        self.noted = Noted()
        self.books = FakeBooks()
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        self.captures = self.root / "captures"
        self.captures.mkdir()
        self.manifest = self.root / "agent" / "manifest.json"
        self.settings = attrs.evolve(
            Settings(), capture_dir=self.captures, recorder_cache_manifest_file=self.manifest
        )

    def file(self, name: str, content: bytes = b"x" * 8192) -> Path:
        """A file in the capture directory."""
        path = self.captures / name
        path.write_bytes(content)
        return path

    def deliver(
        self, number: int, uploaded: float = NOON, rule: CacheRetention | None = None, **more: Any
    ) -> Holding:
        """A recording that was delivered then, with a file."""
        held = delivered(number, uploaded, self.file(f"{number}.flac"), rule=rule, **more)
        assert self.books.holdings is not None
        self.books.holdings.append(held)
        return held

    def types(self) -> list[str]:
        """The events so far, by the last part of their names."""
        return [each.rpartition(".")[2] for each in self.noted.types()]
