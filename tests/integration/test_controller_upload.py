"""Uploads over real sockets: whole, refused, stalled, changing, and always in little memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import trustme
from twisted.internet.defer import CancelledError, Deferred

from rakkr.controller.errors import Rejected, Unreachable, UnsendableFile, WrongReceipt
from rakkr.controller.trust import Trust
from rakkr.controller.upload import Upload
from tests.integration.misbehaving import (
    Conversation,
    answer,
    client_of,
    in_thread,
    reactor,
    server_tls,
    serving,
    write_pem,
)

MIB = 1 << 20


@pytest.fixture(params=["http", "https"])
def secured(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, Trust]:
    """TLS of a server (or none) and the trust in it."""
    authority = trustme.CA()
    trust = Trust(write_pem(tmp_path / "ca.pem", authority.cert_pem))
    return (server_tls(authority) if request.param == "https" else None), trust


def random_file(path: Path, size: int) -> str:
    """Fill a file, and return its checksum."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(0, size, MIB):
            digest.update(piece := os.urandom(min(MIB, size - file.tell())))
            file.write(piece)
    return f"sha256:{digest.hexdigest()}"


def whole_body(conversation: Conversation, then: Callable[[int, str], bytes]) -> None:
    """Read a whole body with its hash, and answer."""
    head = conversation.head.lower()
    wanted = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
    digest = hashlib.sha256()
    count = 0

    def more(data: bytes) -> None:
        nonlocal count
        digest.update(data)
        count += len(data)
        if count == wanted:
            del conversation.dataReceived
            conversation.say(then(count, digest.hexdigest()))

    conversation.dataReceived = more  # type: ignore[method-assign]
    rest, conversation.rest = conversation.rest, b""
    if rest:
        more(rest)


def receipt(size: int, checksum: str) -> bytes:
    body = f'{{"data":{{"file":{{"checksum":"sha256:{checksum}","size":{size}}}}}}}'
    return answer(201, body.encode())


def upload_of(path: Path, **more: Any) -> Upload:
    return Upload(path=path, content_type="audio/flac", file_name=path.name, **more)


async def test_a_file_arrives_whole(secured: tuple[Any, Trust], tmp_path: Path) -> None:
    """What arrives is what is in the file, with what is known about it, and progress is told."""
    path = tmp_path / "take.flac"
    heads: list[bytes] = []

    def store(conversation: Conversation) -> None:
        heads.append(conversation.head)
        whole_body(conversation, receipt)

    told: list[tuple[int, int]] = []
    async with serving(store, secured[0]) as server:
        async with client_of(server.url, trust=secured[1]) as client:
            for size in (1, 65_536, 65_537, 7 * MIB + 11):
                checksum = random_file(path, size)
                upload = upload_of(
                    path,
                    duration_seconds=1.25,
                    job_id="job_1",
                    rendition="raw",
                    chunk=0,
                    chunk_total=2,
                )
                got = await client.upload_cache_file(
                    "rec/1", upload, lambda sent, total: told.append((sent, total))
                )
                assert (got.size, got.checksum) == (size, checksum)
                assert told[-1] == (size, size)
    head = heads[-1].lower()
    assert head.startswith(
        b"put /api/v1/recordings/rec%2f1/cache-file?rendition=raw&chunk=0&chunktotal=2 http/1.1"
    )
    for line in (
        b"content-type: audio/flac",
        b"x-rakkr-file-name: take.flac",
        b"x-rakkr-duration-seconds: 1.250000",
        b"x-rakkr-recording-job-id: job_1",
        b"x-rakkr-agent-id: node_1",
        b"authorization: bearer rakkr_node_test",
    ):
        assert line in head
    assert b"transfer-encoding" not in head


async def test_a_wrong_receipt_is_noticed(secured: tuple[Any, Trust], tmp_path: Path) -> None:
    """A receipt of another size or other bytes is no receipt, and both sides are named."""
    path = tmp_path / "take.flac"
    checksum = random_file(path, 100_000)
    bad = [
        lambda size, digest: receipt(size - 1, digest),
        lambda size, digest: receipt(size, digest[::-1]),
    ]
    for each in bad:
        async with serving(lambda to, each=each: whole_body(to, each), secured[0]) as server:  # type: ignore[misc]
            async with client_of(server.url, trust=secured[1]) as client:
                with pytest.raises(WrongReceipt, match="100000 bytes with sha256") as caught:
                    await client.upload_cache_file("rec_1", upload_of(path))
                assert caught.value.sent_checksum == checksum


async def test_a_receipt_before_the_end_is_wrong(
    secured: tuple[Any, Trust], tmp_path: Path
) -> None:
    """A server that acknowledges what it has not read yet is not believed."""
    path = tmp_path / "take.flac"
    random_file(path, 64 * MIB)
    async with serving(lambda to: to.say(receipt(5, "aa")), secured[0]) as server:
        async with client_of(server.url, trust=secured[1]) as client:
            with pytest.raises(WrongReceipt):
                await client.upload_cache_file("rec_1", upload_of(path))


@pytest.mark.parametrize("attempt", range(10))
async def test_an_early_refusal_is_read(
    secured: tuple[Any, Trust], tmp_path: Path, attempt: int
) -> None:
    """A 409 before the end of the body, followed by a reset, is a 409 and not a network failure."""
    path = tmp_path / "take.flac"
    with path.open("wb") as file:
        file.truncate(200 * MIB)

    def refuse(conversation: Conversation) -> None:
        if attempt % 2:  # the rest of the body lies unread when the socket is closed: a reset
            conversation.stop_reading()
        conversation.say(answer(409, b'{"error":"job is not running"}'))
        conversation.transport.loseConnection()  # type: ignore[union-attr]

    sent = 0

    def progress(so_far: int, _: int) -> None:
        nonlocal sent
        sent = so_far

    async with serving(refuse, secured[0]) as server:
        async with client_of(server.url, trust=secured[1]) as client:
            with pytest.raises(Rejected, match="cache file with 409:.*not running") as caught:
                await client.upload_cache_file("rec_1", upload_of(path), progress)
            assert caught.value.status == 409
            server.conversations[0].read_on()
            await server.conversations[0].lost
    assert sent < 100 * MIB, "nothing is sent after the answer"


async def test_a_server_that_stops_reading_is_given_up(
    secured: tuple[Any, Trust], tmp_path: Path
) -> None:
    """An upload of which nothing is taken any more ends after the stall limit, socket closed."""
    path = tmp_path / "take.flac"
    with path.open("wb") as file:
        file.truncate(64 * MIB)
    async with serving(Conversation.stop_reading, secured[0]) as server:
        async with client_of(server.url, trust=secured[1], stall=0.4) as client:
            with pytest.raises(Unreachable, match=r"took no more of the file for 0\.4 s"):
                await client.upload_cache_file("rec_1", upload_of(path))
            server.conversations[0].read_on()
            await server.conversations[0].lost


async def test_a_silent_server_after_the_file_is_given_up(
    secured: tuple[Any, Trust], tmp_path: Path
) -> None:
    """A server that takes the file and says nothing ends after the stall limit."""
    path = tmp_path / "take.flac"
    random_file(path, 10_000)
    async with serving(lambda _: None, secured[0]) as server:
        async with client_of(server.url, trust=secured[1], stall=0.4) as client:
            with pytest.raises(Unreachable, match="after the whole file was sent for"):
                await client.upload_cache_file("rec_1", upload_of(path))
            await server.conversations[0].lost


async def test_a_slow_upload_ends_with_its_budget(tmp_path: Path) -> None:
    """An upload that always moves, but never ends, ends with the whole budget."""
    path = tmp_path / "take.flac"
    with path.open("wb") as file:
        file.truncate(4 << 30)
    async with serving(lambda _: None) as server, client_of(server.url, upload=0.4) as client:
        with pytest.raises(Unreachable, match=r"within 0\.4 s"):
            await client.upload_cache_file("rec_1", upload_of(path))
        await server.conversations[0].lost


async def test_a_changing_file_is_not_delivered(secured: tuple[Any, Trust], tmp_path: Path) -> None:
    """A file that shrinks or grows while it is sent fails with its name, and is never whole."""
    path = tmp_path / "take.flac"
    for new_size, words in ((30 * MIB, "shorter"), (80 * MIB, "longer")):
        with path.open("wb") as file:
            file.truncate(64 * MIB)

        def change(_sent: int, _total: int, to: int = new_size) -> None:
            os.truncate(path, to)

        async with serving(lambda _: None, secured[0]) as server:
            async with client_of(server.url, trust=secured[1]) as client:
                with pytest.raises(UnsendableFile, match=words):
                    await client.upload_cache_file("rec_1", upload_of(path), change)
                await server.conversations[0].lost


async def test_what_cannot_be_sent_is_refused_here(tmp_path: Path) -> None:
    """A missing, empty or unreadable file, a directory or a FIFO never reaches the controller."""
    empty, fifo = tmp_path / "empty", tmp_path / "fifo"
    empty.touch()
    os.mkfifo(fifo)
    async with serving(lambda _: None) as server, client_of(server.url) as client:
        for path, words in (
            (empty, "empty"),
            (tmp_path / "missing", "No such file"),
            (tmp_path, "it is no file"),
            (fifo, "it is no file"),
        ):
            with pytest.raises(UnsendableFile, match=words):
                await client.upload_cache_file("rec_1", upload_of(path))
        assert not server.conversations


async def test_a_cancelled_upload_closes_socket_and_file(
    secured: tuple[Any, Trust], tmp_path: Path
) -> None:
    """A cancelled upload leaves neither a socket nor an open file."""
    path = tmp_path / "take.flac"
    with path.open("wb") as file:
        file.truncate(64 * MIB)
    moving: Deferred[None] = Deferred()

    def progress(sent: int, _: int) -> None:
        if sent > 100_000 and not moving.called:
            moving.callback(None)

    arrived: Deferred[None] = Deferred()

    def stop(conversation: Conversation) -> None:
        conversation.stop_reading()
        arrived.callback(None)

    async with serving(stop, secured[0]) as server:
        async with client_of(server.url, trust=secured[1]) as client:
            call = Deferred.fromCoroutine(
                client.upload_cache_file("rec_1", upload_of(path), progress)
            )
            await moving
            await arrived
            call.cancel()
            with pytest.raises(CancelledError):
                await call
            server.conversations[0].read_on()
            await server.conversations[0].lost
    await in_thread()(lambda: None)  # a read that was under way is over by now
    assert not [each for each in psutil.Process().open_files() if each.path == str(path)]


async def test_a_stale_socket_costs_no_upload(secured: tuple[Any, Trust], tmp_path: Path) -> None:
    """An upload over a kept socket that was dead is sent again from its beginning."""
    path = tmp_path / "take.flac"
    checksum = random_file(path, 3 * MIB)

    def once(conversation: Conversation) -> None:
        if conversation.requests > 1:
            conversation.reset()
        else:
            whole_body(conversation, receipt)

    async with serving(once, secured[0]) as server:
        async with client_of(server.url, trust=secured[1]) as client:
            for _ in range(2):
                got = await client.upload_cache_file("rec_1", upload_of(path))
                assert got.checksum == checksum
            assert [each.requests for each in server.conversations] == [2, 1]


async def test_an_upload_that_was_being_answered_is_not_repeated(
    secured: tuple[Any, Trust], tmp_path: Path
) -> None:
    """A kept socket that dies in mid-upload after the first byte of an answer was not stale."""
    path = tmp_path / "take.flac"
    random_file(path, 8 * MIB)

    def begin(conversation: Conversation) -> None:
        if conversation.requests == 1:
            conversation.say(answer(204))
        else:
            conversation.say(b"HTTP/1.1 ")
            conversation.stop_reading()
            reactor.callLater(0.05, conversation.reset)

    async with serving(begin, secured[0]) as server:
        async with client_of(server.url, trust=secured[1]) as client:
            await client.claim_next_group()
            with pytest.raises(Unreachable):
                await client.upload_cache_file("rec_1", upload_of(path))
            assert [each.requests for each in server.conversations] == [2]


async def test_memory_does_not_grow_with_the_file(
    secured: tuple[Any, Trust], tmp_path: Path
) -> None:
    """A file of 256 MiB is uploaded in a few MiB of memory."""
    path = tmp_path / "take.flac"
    with path.open("wb") as file:
        file.truncate(256 * MIB)
    process = psutil.Process()
    highest = samples = 0

    def progress(sent: int, _: int) -> None:
        nonlocal highest, samples
        if sent // (8 * MIB) > samples:
            samples = sent // (8 * MIB)
            highest = max(highest, process.memory_info().rss)

    async with serving(lambda to: whole_body(to, receipt), secured[0]) as server:
        async with client_of(server.url, trust=secured[1]) as client:
            before = process.memory_info().rss
            assert (
                await client.upload_cache_file("rec_1", upload_of(path), progress)
            ).size == 256 * MIB
    assert samples > 16
    assert highest - before < 24 * MIB  # the server's side of it lives here too
