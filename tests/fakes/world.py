"""What a process has from outside, on a fake clock."""

from __future__ import annotations

from collections.abc import Mapping

from rakkr.clock import WallTime
from rakkr.tap import World
from tests.fakes.processes import FakeReactor
from tests.fakes.threads import FakeThreads
from tests.inventory.test_probe import FakePool


def fake_world(
    reactor: FakeReactor, environ: Mapping[str, str], threads: FakeThreads | None = None
) -> World:
    """Have a reactor whose children a test leads, and wall time that is the clock's."""
    return World(
        reactor=reactor,
        wall=WallTime(reactor.seconds),
        in_thread=threads or FakeThreads(),
        pool=FakePool(),
        environ=environ,
        random=lambda: 0.0,
        run_id="run",
    )
