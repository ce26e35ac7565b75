"""TLS to the controller, over real sockets with throwaway CAs."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from rakkr.controller.errors import BadTrust, Unreachable
from rakkr.controller.trust import Trust
from tests.integration.misbehaving import (
    NODE,
    Conversation,
    answer,
    client_of,
    server_tls,
    serving,
    write_pem,
)

BODY = {"agentVersion": "0", "hostname": "rec1"}


def accept(conversation: Conversation) -> None:
    conversation.say(answer(202, NODE))


async def refused(url: str, trust: Trust) -> str:
    async with client_of(url, trust=trust) as client:
        with pytest.raises(Unreachable) as caught:
            await client.heartbeat(BODY)
    return caught.value.reason


async def test_the_ca_of_the_bundle_is_trusted(tmp_path: Path) -> None:
    """A controller whose certificate comes from the bundle's CA is believed, by its address."""
    authority = trustme.CA()
    trust = Trust(write_pem(tmp_path / "ca.pem", authority.cert_pem))
    async with serving(accept, server_tls(authority)) as server:
        async with client_of(server.url, trust=trust) as client:
            assert (await client.heartbeat(BODY)).id == "node_1"


async def test_every_certificate_of_a_bundle_counts(tmp_path: Path) -> None:
    """The second certificate of a bundle is as good as the first, and a name as an address."""
    other, authority = trustme.CA(), trustme.CA()
    bundle = write_pem(tmp_path / "ca.pem", other.cert_pem, authority.cert_pem)
    async with serving(accept, server_tls(authority, "localhost")) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        async with client_of(url, trust=Trust(bundle)) as client:
            assert (await client.heartbeat(BODY)).id == "node_1"


async def test_an_intermediate_in_the_bundle_is_enough(tmp_path: Path) -> None:
    """An internal CA that only hands out its intermediate certificate can be trusted by it."""
    root = trustme.CA()
    issuing = root.create_child_ca()
    trust = Trust(write_pem(tmp_path / "ca.pem", issuing.cert_pem))
    async with serving(accept, server_tls(issuing)) as server:
        async with client_of(server.url, trust=trust) as client:
            assert (await client.heartbeat(BODY)).id == "node_1"


async def test_another_ca_is_refused(tmp_path: Path) -> None:
    """A certificate of a CA outside the bundle is refused, before the token is sent, and named."""
    trust = Trust(write_pem(tmp_path / "ca.pem", trustme.CA().cert_pem))
    async with serving(accept, server_tls(trustme.CA())) as server:
        assert "CA that is not trusted" in await refused(server.url, trust)
        assert [each.requests for each in server.conversations] == [0]


async def test_the_platform_does_not_trust_a_throwaway_ca() -> None:
    """Without a bundle an internal CA is refused."""
    async with serving(accept, server_tls(trustme.CA())) as server:
        assert "CA that is not trusted" in await refused(server.url, Trust())


async def test_another_host_name_is_refused(tmp_path: Path) -> None:
    """A good certificate for another host is refused, before the token is sent."""
    authority = trustme.CA()
    trust = Trust(write_pem(tmp_path / "ca.pem", authority.cert_pem))
    async with serving(accept, server_tls(authority, "other.example")) as server:
        assert "not issued for the host name 127.0.0.1" in await refused(server.url, trust)
        url = server.url.replace("127.0.0.1", "localhost")
        assert "not issued for the host name localhost" in await refused(url, trust)
        assert [each.requests for each in server.conversations] == [0, 0]


async def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    """An expired certificate is refused, and said to be expired."""
    authority = trustme.CA()
    trust = Trust(write_pem(tmp_path / "ca.pem", authority.cert_pem))
    async with serving(accept, server_tls(authority, expired=True)) as server:
        assert "certificate has expired" in await refused(server.url, trust)
        assert [each.requests for each in server.conversations] == [0]


async def test_a_client_certificate_is_shown(tmp_path: Path) -> None:
    """A controller that insists on client certificates takes ours."""
    authority, clients = trustme.CA(), trustme.CA()
    ours = clients.issue_cert("node-1.example")
    trust = Trust(
        write_pem(tmp_path / "ca.pem", authority.cert_pem),
        write_pem(tmp_path / "cert.pem", *ours.cert_chain_pems),
        write_pem(tmp_path / "key.pem", ours.private_key_pem),
    )
    async with serving(accept, server_tls(authority, clients=clients)) as server:
        async with client_of(server.url, trust=trust) as client:
            assert (await client.heartbeat(BODY)).id == "node_1"


async def test_a_missing_client_certificate_is_named(tmp_path: Path) -> None:
    """A controller that insists on client certificates gives a reason that says so."""
    authority = trustme.CA()
    trust = Trust(write_pem(tmp_path / "ca.pem", authority.cert_pem))
    async with serving(accept, server_tls(authority, clients=trustme.CA())) as server:
        assert "requires a client certificate" in await refused(server.url, trust)


async def test_a_foreign_client_certificate_is_named(tmp_path: Path) -> None:
    """A client certificate of a CA that the controller does not know is named as the fault."""
    authority, ours = trustme.CA(), trustme.CA().issue_cert("node-1.example")
    pem = write_pem(tmp_path / "both.pem", *ours.cert_chain_pems, ours.private_key_pem)
    trust = Trust(write_pem(tmp_path / "ca.pem", authority.cert_pem), pem)
    async with serving(accept, server_tls(authority, clients=trustme.CA())) as server:
        assert "client certificate" in await refused(server.url, trust)


async def test_a_server_without_tls_is_named(tmp_path: Path) -> None:
    """A port that speaks no TLS is said to speak none."""

    trust = Trust(write_pem(tmp_path / "ca.pem", trustme.CA().cert_pem))
    async with serving(lambda to: to.say(answer(400))) as server:
        reason = await refused(server.url.replace("http:", "https:"), trust)
    assert "does not speak TLS" in reason


def test_unusable_files_are_named_at_once(tmp_path: Path) -> None:
    """Every unusable bundle, certificate or key is one sentence that names the file."""
    ours, other = trustme.CA().issue_cert("a.example"), trustme.CA().issue_cert("b.example")
    certificate = write_pem(tmp_path / "cert.pem", *ours.cert_chain_pems)
    strange = write_pem(tmp_path / "other.pem", other.private_key_pem)
    empty = write_pem(tmp_path / "empty.pem")
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    missing = tmp_path / "missing.pem"
    cases = [
        ((empty,), "holds no PEM certificate"),
        ((broken,), "cannot be read"),
        ((missing,), "No such file"),
        ((tmp_path,), "Is a directory"),
        ((None, certificate, strange), "does not belong to the client certificate"),
        ((None, certificate, missing), "No such file"),
        ((None, certificate), "holds no PEM key"),
        ((None, None, strange), "needs a client certificate"),
    ]
    for files, words in cases:
        with pytest.raises(BadTrust, match=words) as caught:
            Trust(*files)
        assert str(next(filter(None, reversed(files)))) in str(caught.value) or "key" in words
