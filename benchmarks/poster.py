"""The posting process of the posts benchmark."""

from __future__ import annotations

import functools
import json
import sys
import time
from pathlib import Path
from typing import Any

from twisted.internet import task
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

from rakkr.clock import WallTime
from rakkr.controller.address import ControllerAddress
from rakkr.controller.calls import Calls
from rakkr.controller.client import ControllerClient
from rakkr.controller.token import TextToken
from rakkr.controller.transport import Timeouts, make_transport
from rakkr.controller.trust import Trust
from rakkr.threads import InThread

_BODY = {"agentVersion": "0.1.0", "hostname": "benchmark", "ipAddresses": ["192.0.2.1"]}


def _client(reactor: Any, url: str, ca: str, *, keep: bool) -> ControllerClient:
    in_thread: InThread = functools.partial(deferToThreadPool, reactor, reactor.getThreadPool())
    transport = make_transport(
        reactor,
        Trust(Path(ca)),
        TextToken("benchmark"),
        node_id="node_benchmark",
        connect_seconds=10.0,
        keep=keep,
    )
    calls = Calls(ControllerAddress.parse(url), transport, Timeouts())
    return ControllerClient(
        WallTime(time.time),
        calls,
        transport.close,
        node_id="node_benchmark",
        in_thread=in_thread,
    )


async def _rate(client: ControllerClient, seconds: float) -> float:
    """Post for some seconds, one after another; posts per second."""
    began, count = time.monotonic(), 0
    while (took := time.monotonic() - began) < seconds:
        await client.heartbeat(_BODY)
        count += 1
    return count / took


async def _rounds(reactor: Any, url: str, ca: str, rounds: str, seconds: str) -> None:
    clients = {
        "pooled": _client(reactor, url, ca, keep=True),
        "unpooled": _client(reactor, url, ca, keep=False),
    }
    rates: dict[str, list[float]] = {name: [] for name in clients}
    for client in clients.values():
        await _rate(client, 0.3)
    for _ in range(int(rounds)):
        for name, client in clients.items():
            rates[name].append(await _rate(client, float(seconds)))
    for client in clients.values():
        await client.close()
    print(json.dumps(rates))


if __name__ == "__main__":
    task.react(lambda reactor: Deferred.fromCoroutine(_rounds(reactor, *sys.argv[1:])))
