"""A power cut in the middle of a recording, as far as one can have it without a plug."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from twisted.internet import reactor

from tests.integration.cut_disk import NEEDS, NoDisk
from tests.integration.moments import moments
from tests.integration.power_cut import cut_once

pytestmark = pytest.mark.deadline(90)
# Before the first sample, at once after it, at any moment, and so late that it would be seen if
# nothing were synced.
MOMENTS = (None, 0.0, *moments(0.0, 3.5, 1), *moments(3.5, 5.0, 1))
MOST_MISSING_SECONDS = 3.0
"""docs/guarantees.md: two seconds between two syncs, and what a busy machine adds."""
MOST_GAP_ERROR_SECONDS = 0.6
"""The same page: for a gap while which no agent ran."""


@pytest.mark.parametrize("after", MOMENTS)
async def test_power_cut(
    tmp_path: Path, need: Callable[[str, str], str], after: float | None
) -> None:
    """
    What reached the disk is delivered, the rest is a declared gap, and no journal is damaged.

    Of the audio before the cut at most the last seconds are missing.
    """
    for program, package in (*NEEDS, ("unshare", "util-linux")):
        need(program, package)
    try:
        cut = await cut_once(reactor, tmp_path / "cut", os.environ, after)
    except NoDisk as why:
        pytest.skip(f"there can be no disk that loses its power here: {why}")
    assert cut.missing < MOST_MISSING_SECONDS, cut
    assert abs(cut.gap_error) < MOST_GAP_ERROR_SECONDS, cut
