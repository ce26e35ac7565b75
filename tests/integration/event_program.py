"""
The agent's own evidence, with many events: ``event_program.py FIRST COUNT FLAGS...``.

Each of them is of the one type that has a number to tell them by.
It says ``stored`` when all of them are in the local log, and delivers until it is killed.
"""

from __future__ import annotations

import sys

from twisted.internet import reactor
from twisted.internet.defer import Deferred

from rakkr.agent import make_controller, make_token
from rakkr.reporting import make_reporter
from rakkr.tap import Options, make_world

NUMBERED = "agent.system.clock_skew_recovered"


async def report(first: int, count: int, flags: list[str]) -> None:
    """Report some events, as a room would, a few at a time."""
    options = Options()
    options.parseOptions(flags)
    settings = options.resolved.settings
    world = make_world(reactor)
    world.pool.start()
    token = make_token(settings, world)
    assert token is not None
    reporter = make_reporter(settings, world, make_controller(settings, world, token))
    reporter.startService()
    for number in range(first, first + count):
        facts = {"absoluteSkewSeconds": number, "nodeId": settings.node_id, "skewSeconds": number}
        reporter.emit(NUMBERED, "info", facts)
        if number % 100 == 0:
            await reporter._writer.when_idle()
    await reporter._writer.when_idle()
    sys.stdout.write("stored\n")
    sys.stdout.flush()


def main() -> None:
    """Run until it is killed."""
    first, count, *flags = sys.argv[1:]
    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(report(int(first), int(count), flags)))
    reactor.run()


if __name__ == "__main__":
    main()
