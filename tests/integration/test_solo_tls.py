"""The built-in controller over real TLS sockets: curl, floods, stalls, restarts."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from rakkr.process import Ladder, spawn
from rakkr.solo import request as request_module
from rakkr.solo import service as service_module
from rakkr.solo.certificates import RENEW_DAYS, SERVER_DAYS
from rakkr.solo.service import SoloUnavailable
from tests.integration.solo_bench import Bench, Flood, Wire, controller, reactor, when

# Twisted hands pyOpenSSL the kind of certificate that pyOpenSSL has just deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")

REPOSITORY = Path(__file__).parents[2]
GET_NODES = b"GET /api/v1/solo/nodes HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(autouse=True)
def curl(need: Callable[[str, str], str]) -> str:
    """The client that most of these tests use to set things up."""
    return need("curl", "curl")


@pytest_twisted.async_yield_fixture  # type: ignore[untyped-decorator]
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A controller that runs."""
    solo = controller(tmp_path / "solo")
    solo.startService()
    yield Bench(solo)
    if solo.running:
        await solo.stopService()


def connections(bench: Bench) -> int:
    """How many connections the controller holds."""
    held = bench.solo._connections
    return len(held.protocols) if held is not None else 0


async def shown_to(wire: Wire) -> int:
    """Ask for something; the serial number of the certificate that the server had shown."""
    wire.received = b""
    wire.write(GET_NODES)
    assert (await wire.until(b'"error"')).startswith(b"HTTP/1.1 401 ")
    transport: Any = wire.transport
    return int(transport.getPeerCertificate().get_serial_number())


def incoming(bench: Bench) -> list[Path]:
    return list((bench.solo.ca_path.parent / "incoming").iterdir())


@pytest.mark.deadline(15)
async def test_curl(bench: Bench, tmp_path: Path) -> None:
    """What curl uploads over TLS 1.3 comes back with the checksum that both sides computed."""
    recording, _ = await bench.running()
    sound = tmp_path / "sound.flac"
    sound.write_bytes(os.urandom(3_000_001))
    kept = await bench.ask(
        f"/recordings/{recording}/cache-file", "--tlsv1.3", "-T", str(sound), token=bench.node_token
    )
    assert kept["file"]["checksum"] == f"sha256:{hashlib.sha256(sound.read_bytes()).hexdigest()}"
    back = tmp_path / "back.flac"
    ran = await bench.curl(
        "-D", "-", "-o", str(back), "-H", f"Authorization: Bearer {bench.operator_token}",
        f"{bench.solo.url}/api/v1/solo/recordings/{recording}/file",
    )  # fmt: skip
    assert back.read_bytes() == sound.read_bytes()
    assert b"\r\nContent-Length: 3000001\r\n" in ran.stdout
    assert b"\r\nKeep-Alive: timeout=5\r\n" in ran.stdout
    assert b"\r\nDate: " in ran.stdout


@pytest.mark.deadline(15)
async def test_trust(bench: Bench) -> None:
    """Who does not know the authority does not talk to it, nor who asks for another name."""
    url = f"{bench.solo.url}/healthz"
    assert (await bench.curl(url)).exit.code == 0
    assert (await bench.curl(url, ca=False)).exit.code == 60
    named = url.replace("127.0.0.1", "wrong.example")
    resolve = f"wrong.example:{bench.solo.port}:127.0.0.1"
    assert (await bench.curl("--resolve", resolve, named)).exit.code == 60
    local = url.replace("127.0.0.1", "localhost")
    assert (await bench.curl("-4", local)).exit.code == 0
    assert (await bench.curl("--tls-max", "1.1", url)).exit.code == 35


@pytest.mark.deadline(15)
async def test_renewal_while_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that nobody starts again shows a new certificate in time, and cuts nobody off."""
    monkeypatch.setattr(service_module, "RENEWAL_SECONDS", 0.05)
    past = (SERVER_DAYS - RENEW_DAYS + 5) * 86_400
    solo = controller(tmp_path / "solo")
    monkeypatch.setattr(solo, "_now", lambda: time.time() - past)
    solo.startService()
    bench = Bench(solo)
    early = await bench.wire()
    first = await shown_to(early)
    assert await shown_to(await bench.wire()) == first
    past = 0
    while await shown_to(await bench.wire()) == first:
        pass
    assert await shown_to(early) == first
    await solo.stopService()


@pytest.mark.deadline(15)
async def test_constant_memory(bench: Bench, tmp_path: Path) -> None:
    """An upload of 64 MiB takes no memory worth mentioning, and the reactor goes on meanwhile."""
    recording, _ = await bench.running()
    sound = tmp_path / "sound.wav"
    with sound.open("wb") as file:
        file.truncate(64 << 20)
    process = psutil.Process()
    before, most = process.memory_info().rss, 0

    def look() -> None:
        nonlocal most
        most = max(most, process.memory_info().rss)

    looking = LoopingCall(look)
    looking.start(0.02)
    try:
        kept = await bench.ask(
            f"/recordings/{recording}/cache-file", "-T", str(sound), token=bench.node_token
        )
    finally:
        looking.stop()
    assert kept["file"]["size"] == 64 << 20
    assert most - before < 8 << 20


@pytest.mark.deadline(15)
async def test_early_refusal(bench: Bench) -> None:
    """A refused upload is told so while it still writes, and cut off if it goes on."""
    recording, job = await bench.running()
    await bench.ask(f"/recording-jobs/{job}/failed", "-X", "POST", token=bench.node_token)
    wire = await bench.wire()
    wire.write(bench.put(recording, 2 << 30, f"x-rakkr-recording-job-id: {job}"))
    Flood(wire)
    answer = await wire.until(b'"error"')
    assert answer.startswith(b"HTTP/1.1 409 ")
    assert b"\r\nConnection: close\r\n" in answer
    await when(lambda: connections(bench) == 0)
    assert wire.sent < 1 << 30
    assert wire.transport is not None
    wire.transport.abortConnection()  # type: ignore[attr-defined]
    await wire.closed


@pytest.mark.deadline(15)
async def test_early_refusal_without_body(bench: Bench) -> None:
    """A client that waits for ``100 Continue`` is refused before it sends anything."""
    wire = await bench.wire()
    wire.write(bench.put("rec_none", 2 << 30, "Expect: 100-continue"))
    answer = await wire.until(b'"error"')
    assert answer.startswith(b"HTTP/1.1 404 ")
    await wire.closed
    assert b"100 Continue" not in wire.received


@pytest.mark.deadline(15)
async def test_too_large_without_length(tmp_path: Path) -> None:
    """A body of unknown length is refused when it grows too large."""
    solo = controller(tmp_path / "solo", maximum_upload=100_000)
    solo.startService()
    bench = Bench(solo)
    recording, _ = await bench.running()
    wire = await bench.wire()
    head = bench.put(recording, 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    wire.write(head + b"186a1\r\n" + bytes(100_001) + b"\r\n")
    assert (await wire.until(b'"error"')).startswith(b"HTTP/1.1 413 ")
    await wire.closed
    assert incoming(bench) == []
    events = await bench.ask("/solo/health-events")
    assert [event["type"] for event in events] == ["controller.recording.cache_file_failed"]
    await solo.stopService()


@pytest.mark.deadline(15)
async def test_small_refusal_keeps_the_connection(bench: Bench) -> None:
    """A short body is refused on a connection that is used again."""
    wire = await bench.wire()
    for _ in range(2):
        wire.received = b""
        wire.write(bench.put("rec_none", 3) + b"abc")
        assert (await wire.until(b'"error"')).startswith(b"HTTP/1.1 404 ")
    wire.received = b""
    wire.write(GET_NODES)
    assert (await wire.until(b'"error"')).startswith(b"HTTP/1.1 401 ")
    assert wire.transport is not None
    wire.transport.loseConnection()
    await wire.closed


@pytest.mark.deadline(15)
async def test_broken_upload(bench: Bench) -> None:
    """A connection that breaks in the middle of a file leaves nothing, and the job goes on."""
    recording, job = await bench.running()
    wire = await bench.wire()
    wire.write(bench.put(recording, 1000) + bytes(999))
    await when(lambda: sum(path.stat().st_size for path in incoming(bench)) == 999)
    assert wire.transport is not None
    wire.transport.abortConnection()  # type: ignore[attr-defined]
    await when(lambda: incoming(bench) == [])
    left = await bench.ask(f"/recording-jobs/{job}", token=bench.node_token)
    assert left["status"] == "running"


@pytest.mark.deadline(15)
async def test_idle_and_stalled(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """An idle connection is closed after its time; one that stalls in a body is not."""
    monkeypatch.setattr(request_module, "KEEP_ALIVE_SECONDS", 0.2)
    recording, _ = await bench.running()
    stalled = await bench.wire()
    stalled.write(bench.put(recording, 4) + b"ab")
    idle = await bench.wire()
    idle.write(GET_NODES)
    await idle.until(b'"error"')
    await idle.closed
    stalled.write(b"cd")
    assert (await stalled.until(b'"checksum"')).startswith(b"HTTP/1.1 201 ")
    await stalled.closed


@pytest.mark.deadline(15)
async def test_request_deadline(tmp_path: Path) -> None:
    """A request that does not arrive in time is answered 408 without a body, and stores nothing."""
    solo = controller(tmp_path / "solo", request_seconds=0.3)
    solo.startService()
    bench = Bench(solo)
    recording, _ = await bench.running()
    wire = await bench.wire()
    wire.write(bench.put(recording, 4) + b"ab")
    await wire.closed
    assert wire.received.startswith(b"HTTP/1.1 408 ")
    assert wire.received.endswith(b"\r\n\r\n")
    assert incoming(bench) == []
    await solo.stopService()


@pytest.mark.deadline(15)
async def test_restart(bench: Bench, tmp_path: Path) -> None:
    """A controller that was stopped in mid-connection comes back with all that it knew."""
    recording, job = await bench.running()
    trusted, tokens = bench.solo.ca_path.read_bytes(), (bench.node_token, bench.operator_token)
    wire = await bench.wire()
    wire.write(bench.put(recording, 1000) + bytes(10))
    await when(lambda: incoming(bench) != [])
    await bench.solo.stopService()
    await wire.closed
    solo = controller(tmp_path / "solo")
    solo.startService()
    again = Bench(solo)
    assert solo.ca_path.read_bytes() == trusted
    assert (again.node_token, again.operator_token) == tokens
    beat = await again.ask(f"/recording-jobs/{job}/heartbeat", "-X", "POST", token=again.node_token)
    assert beat["status"] == "running"
    await solo.stopService()


@pytest.mark.deadline(15)
async def test_port_taken(bench: Bench, tmp_path: Path) -> None:
    """A port that is taken is one clear sentence."""
    assert bench.solo.port is not None
    second = controller(tmp_path / "second", port=bench.solo.port)
    with pytest.raises(SoloUnavailable, match=f"cannot listen on 127.0.0.1 port {bench.solo.port}"):
        second.startService()
    await second.stopService()


@pytest.mark.deadline(15)
async def test_killed(tmp_path: Path) -> None:
    """A controller that is killed while it takes a file starts again, whole, without the piece."""
    directory = tmp_path / "solo"
    said: Deferred[str] = Deferred()
    child = spawn(
        reactor,
        reactor,
        [sys.executable, "-m", "tests.integration.solo_program", str(directory)],
        env={"PYTHONPATH": str(REPOSITORY)},
        ladder=Ladder(),
        output=lambda fd, data: said.callback(data.decode()) if fd == 1 else None,
    )
    remote = controller(directory)
    remote.port = int(await said)
    bench = Bench(remote)
    recording, _ = await bench.running()
    wire = await bench.wire()
    wire.write(bench.put(recording, 1 << 30))
    Flood(wire)
    await when(lambda: sum(path.stat().st_size for path in incoming(bench)) > 1 << 20)
    await child.stop("KILL")
    await wire.closed
    database = sqlite3.connect(directory / "solo.sqlite3")
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.close()
    again = controller(directory)
    again.startService()
    found = await Bench(again).ask(f"/solo/recordings/{recording}")
    assert found["recording"]["status"] == "recording"
    assert found["jobs"][0]["status"] == "running"
    assert incoming(Bench(again)) == []
    await again.stopService()


@pytest.mark.deadline(15)
async def test_group_over_the_wire(bench: Bench) -> None:
    """A group that was ordered with curl is claimed whole."""
    body = json.dumps({"durationSeconds": 5, "members": [{"name": "a"}, {"name": "b"}]})
    made = await bench.ask("/solo/recordings", "-d", body)
    claimed = await bench.ask(
        "/nodes/node_1/recording-jobs/claim-next-group", "-X", "POST", token=bench.node_token
    )
    assert [job["id"] for job in claimed] == [each["job"]["id"] for each in made["members"]]
