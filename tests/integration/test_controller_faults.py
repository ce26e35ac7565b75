"""A controller in trouble: every call ends in time, with a reason, and with its socket closed."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
import trustme
from twisted.internet.defer import CancelledError, Deferred

from rakkr.clock import WallTime
from rakkr.controller.errors import BadMessage, Rejected, TokenUnreadable, Unauthorised, Unreachable
from rakkr.controller.token import FileToken
from rakkr.controller.trust import Trust
from tests.integration.misbehaving import (
    NODE,
    Conversation,
    answer,
    client_of,
    in_thread,
    reactor,
    server_tls,
    serving,
    write_pem,
)

BODY = {"agentVersion": "0", "hostname": "rec1"}


def secure(tmp_path: Path) -> tuple[object, Trust]:
    authority = trustme.CA()
    return server_tls(authority), Trust(write_pem(tmp_path / "ca.pem", authority.cert_pem))


async def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    """A call without an answer ends within its budget, and its socket is closed, TLS or not."""
    tls, trust = secure(tmp_path)
    for each in (None, tls):
        async with serving(lambda _: None, each) as server:  # type: ignore[arg-type]
            async with client_of(server.url, trust=trust, call=0.3, claim=0.3) as client:
                with pytest.raises(Unreachable, match=r"no answer came within 0\.3 s"):
                    await client.heartbeat(BODY)
                await server.conversations[0].lost
                with pytest.raises(Unreachable, match="no answer came within"):
                    await client.claim_next_group()
                await server.conversations[1].lost


async def test_a_tls_handshake_that_never_ends_is_given_up() -> None:
    """A port that accepts and then says nothing, not even TLS, costs one budget and no socket."""
    async with serving(lambda _: None) as server:
        async with client_of(server.url.replace("http:", "https:"), call=0.3) as client:
            with pytest.raises(Unreachable, match=r"within 0\.3 s"):
                await client.heartbeat(BODY)
            await server.conversations[0].lost


async def test_an_answer_without_its_body_is_given_up(tmp_path: Path) -> None:
    """Headers without the body that they promise end within the budget, the socket closed."""
    tls, trust = secure(tmp_path)

    def promise(conversation: Conversation) -> None:
        conversation.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")

    for each in (None, tls):
        async with serving(promise, each) as server:  # type: ignore[arg-type]
            async with client_of(server.url, trust=trust, call=0.3) as client:
                with pytest.raises(Unreachable, match="its answer did not go on within"):
                    await client.node_config()
                await server.conversations[0].lost


async def test_an_answer_that_trickles_is_given_up() -> None:
    """A body that comes byte by byte for ever ends with the budget: bytes do not renew it."""

    def trickle(conversation: Conversation) -> None:
        if not conversation.gone:
            head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
            conversation.say(b" " if conversation.begun else head)
            conversation.begun = True
            reactor.callLater(0.02, trickle, conversation)

    async with serving(trickle) as server, client_of(server.url, call=0.3) as client:
        with pytest.raises(Unreachable, match="its answer did not go on within"):
            await client.node_config()
        await server.conversations[0].lost
        waiting: Deferred[None] = Deferred()
        reactor.callLater(0.05, waiting.callback, None)
        await waiting  # for the server's own last timer


async def test_a_cancelled_call_closes_its_socket(tmp_path: Path) -> None:
    """Whoever cancels a call gets CancelledError, and the server sees the socket closed."""
    tls, trust = secure(tmp_path)
    arrived: Deferred[None] = Deferred()
    async with serving(lambda _: arrived.callback(None), tls) as server:  # type: ignore[arg-type]
        async with client_of(server.url, trust=trust) as client:
            call = Deferred.fromCoroutine(client.heartbeat(BODY))
            await arrived
            call.cancel()
            with pytest.raises(CancelledError):
                await call
            await server.conversations[0].lost


async def test_an_endless_answer_is_cut_off() -> None:
    """An answer longer than four MiB is not read to its end."""

    def flood(conversation: Conversation) -> None:
        conversation.say(b"HTTP/1.1 200 OK\r\nContent-Length: 99000000\r\n\r\n" + bytes(6 << 20))

    async with serving(flood) as server, client_of(server.url) as client:
        with pytest.raises(Unreachable, match="longer than 4194304 bytes"):
            await client.node_config()
        await server.conversations[0].lost


async def test_a_refused_connection_is_named() -> None:
    """Nobody listening is said as such."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        async with client_of(f"http://127.0.0.1:{port}") as client:
            with pytest.raises(Unreachable, match="connection refused"):
                await client.heartbeat(BODY)


async def test_a_reset_and_a_truncated_answer_are_unreachable(tmp_path: Path) -> None:
    """A connection that ends before or within an answer is no answer."""
    tls, trust = secure(tmp_path)

    def truncate(conversation: Conversation) -> None:
        conversation.say(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"data"')
        conversation.transport.loseConnection()  # type: ignore[union-attr]

    for behave in (Conversation.reset, truncate):
        for each in (None, tls):
            async with serving(behave, each) as server:  # type: ignore[arg-type]
                async with client_of(server.url, trust=trust) as client:
                    with pytest.raises(Unreachable, match="closed the connection|reset"):
                        await client.heartbeat(BODY)
                    assert len(server.conversations) == 1, "a fresh socket is not tried again"


async def test_error_statuses_are_rejections() -> None:
    """503 carries its status and text, and says that it may pass; so does one cut short."""
    text = b'{"error":"store away","reason":"database_unavailable"}'

    def cut(conversation: Conversation) -> None:
        conversation.say(answer(503, text)[:-5])
        conversation.transport.loseConnection()  # type: ignore[union-attr]

    for behave in (lambda conversation: conversation.say(answer(503, text)), cut):
        async with serving(behave) as server, client_of(server.url) as client:
            with pytest.raises(Rejected, match="rejected node heartbeat with 503:.*away") as caught:
                await client.heartbeat(BODY)
            assert caught.value.transient


async def test_redirects_are_not_followed() -> None:
    """A redirect would carry the token elsewhere; it is a rejection."""
    elsewhere = answer(307, b"", "Location: http://127.0.0.1:9/")
    async with serving(lambda to: to.say(elsewhere)) as server, client_of(server.url) as client:
        with pytest.raises(Rejected, match="307"):
            await client.node_config()


async def test_garbage_is_a_bad_message() -> None:
    """An answer of success that is no JSON, no envelope or the wrong one is named as such."""
    for body in (b"<html>", b"[]", b'{"data":[]}', b"\xff\xfe", b'{"data":{"id":3}}', b"[" * 9000):
        async with serving(lambda to, body=body: to.say(answer(200, body))) as server:  # type: ignore[misc]
            async with client_of(server.url) as client:
                with pytest.raises(BadMessage):
                    await client.heartbeat(BODY)
    async with serving(lambda to: to.say(b"garbage\r\n\r\n")) as server:
        async with client_of(server.url) as client:
            with pytest.raises(Unreachable, match="no HTTP"):
                await client.heartbeat(BODY)


async def test_connections_are_kept_and_closed() -> None:
    """Calls one after another share a socket; close() closes it."""
    async with serving(lambda to: to.say(answer(202, NODE))) as server:
        async with client_of(server.url) as client:
            for _ in range(3):
                await client.heartbeat(BODY)
            assert [each.requests for each in server.conversations] == [3]
            await client.close()
            await server.conversations[0].lost


@pytest.mark.deadline(10)
async def test_closing_does_not_wait_for_a_silent_peer(tmp_path: Path) -> None:
    """A peer that never answers the farewell of TLS holds up close() for a moment only."""
    tls, trust = secure(tmp_path)
    async with serving(lambda to: to.say(answer(202, NODE)), tls) as server:  # type: ignore[arg-type]
        async with client_of(server.url, trust=trust) as client:
            await client.heartbeat(BODY)
            server.conversations[0].stop_reading()
            await client.close()
        server.conversations[0].read_on()
        await server.conversations[0].lost


async def test_a_stale_socket_is_tried_again_once(tmp_path: Path) -> None:
    """A kept socket that dies without a byte of an answer costs no call, a POST neither."""
    tls, trust = secure(tmp_path)

    def once(conversation: Conversation) -> None:
        if conversation.requests > 1:
            conversation.reset()
        elif b"claim" in conversation.head:
            conversation.say(answer(204))
        else:
            conversation.say(answer(202, NODE))

    for each in (None, tls):
        async with serving(once, each) as server:  # type: ignore[arg-type]
            async with client_of(server.url, trust=trust) as client:
                await client.heartbeat(BODY)
                await client.heartbeat(BODY)
                assert [each.requests for each in server.conversations] == [2, 1]
                await client.heartbeat(BODY)  # over a new one that is kept
                assert await client.claim_next_group() is None
                assert [each.requests for each in server.conversations] == [2, 1, 2, 1]


async def test_a_reused_socket_that_began_an_answer_is_not_tried_again() -> None:
    """Once a byte of an answer came, the request was read: it is not sent twice."""

    def half(conversation: Conversation) -> None:
        if conversation.requests > 1:
            conversation.say(b"HTTP/1.1 2")
            conversation.transport.loseConnection()  # type: ignore[union-attr]
        else:
            conversation.say(answer(202, NODE))

    async with serving(half) as server, client_of(server.url) as client:
        await client.heartbeat(BODY)
        with pytest.raises(Unreachable):
            await client.heartbeat(BODY)
        assert [each.requests for each in server.conversations] == [2]


async def test_a_rotated_token_file_is_read_again(tmp_path: Path) -> None:
    """After a 401 the token file is read again, and the call is made with what it holds now."""
    path = tmp_path / "token"
    path.write_text("old\n")
    seen: list[bytes] = []

    def check(conversation: Conversation) -> None:
        seen.append(conversation.head)
        good = b"Bearer new" in conversation.head
        conversation.say(answer(202, NODE) if good else answer(401, b'{"error":"no"}'))

    async with serving(check) as server:
        async with client_of(server.url, token=FileToken(path, in_thread())) as client:
            with pytest.raises(Unauthorised, match="rejected node heartbeat with 401"):
                await client.heartbeat(BODY)
            assert len(seen) == 1, "the same token is not tried twice"
            path.write_text("  new\n")
            assert (await client.heartbeat(BODY)).id == "node_1"
            await client.heartbeat(BODY)
            assert len(seen) == 4, "the new token is kept"
            assert all(b"x-rakkr-agent-id: node_1" in each.lower() for each in seen)
    path.unlink()
    async with client_of(server.url, token=FileToken(path, in_thread())) as client:
        with pytest.raises(TokenUnreadable, match="No such file"):
            await client.heartbeat(BODY)


async def test_the_heartbeat_measures_the_skew() -> None:
    """The Date of a heartbeat's answer sets how far the controller's clock is ahead."""
    dated = answer(202, NODE, "Date: Tue, 15 Nov 1994 08:12:31 GMT")
    wall = WallTime(lambda: 784887151.0 - 3600)
    async with serving(lambda to: to.say(dated)) as server:
        async with client_of(server.url, wall=wall) as client:
            before = time.monotonic()
            await client.heartbeat(BODY)
            took = time.monotonic() - before
    assert wall.skew_seconds == pytest.approx(3600.5, abs=took + 0.01)


async def test_a_slow_answer_is_no_skew() -> None:
    """An answer whose body takes its time does not turn the controller's clock back."""
    wall = WallTime(time.time)

    def slowly(conversation: Conversation) -> None:
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
        whole = answer(202, NODE, f"Date: {date}")
        conversation.say(whole[:-5])
        reactor.callLater(2.0, conversation.say, whole[-5:])

    async with serving(slowly) as server, client_of(server.url, wall=wall) as client:
        await client.heartbeat(BODY)
    assert wall.skew_seconds == pytest.approx(0, abs=1.6), "half the trip and the second of Date"
