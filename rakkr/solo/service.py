"""The built-in controller as a service: its files, its port, its clock."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger

from rakkr.periodic import Periodic
from rakkr.solo.certificates import CertificateFiles, UnusableCertificates, ensure_certificates
from rakkr.solo.connections import Connections
from rakkr.solo.controller import MAXIMUM_UPLOAD, SoloController, build_controller
from rakkr.solo.request import SoloSite
from rakkr.solo.resource import SoloResource
from rakkr.solo.showing import ShownCertificate
from rakkr.solo.store import Store, UnusableStore
from rakkr.solo.tokens import NODE_PREFIX, OPERATOR_PREFIX, token_file
from rakkr.threads import InThread

EXPIRY_SECONDS = 10.0
RENEWAL_SECONDS = 86_400.0
STOP_SECONDS = 3.0
REQUEST_SECONDS = 300.0
_ANY_INTERFACE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


class SoloUnavailable(Exception):
    """The built-in controller cannot start; the message says why and what to do."""


class SoloService(MultiService):
    """
    The built-in controller of a single machine.

    Everything that it knows is below ``directory``, made when it is not there, and used again when
    it is.

    :ivar port: the TCP port that it listens on, None while it does not.
    :ivar controller: its parts, None before :meth:`prepare`.
    :param interface: the address or name to listen on.
    :param port: 0 for any free one.
    :param node_id: the node that its token belongs to.
    :param now: wall time in seconds since the epoch.
    :param in_thread: calls a function in a thread and returns a Deferred of its result.
    :param maximum_upload: how many bytes a file may have.
    :param request_seconds: how long a request may take to arrive.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        *,
        directory: Path,
        interface: str,
        port: int,
        node_id: str,
        now: Callable[[], float],
        in_thread: InThread,
        token_bytes: Callable[[int], bytes] = secrets.token_bytes,
        maximum_upload: int = MAXIMUM_UPLOAD,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        super().__init__()
        self.setName("solo")
        self._reactor = reactor
        self._directory = directory
        self._interface = interface
        self._wanted_port = port
        self._node_id = node_id
        self._now = now
        self._in_thread = in_thread
        self._token_bytes = token_bytes
        self._maximum_upload = maximum_upload
        self._request_seconds = request_seconds
        self._listening: IListeningPort | None = None
        self._connections: Connections | None = None
        self._certificate: ShownCertificate | None = None
        self.controller: SoloController | None = None
        self.port: int | None = None
        Periodic(reactor, EXPIRY_SECONDS, self._expire, name="leases").setServiceParent(self)
        Periodic(
            reactor, RENEWAL_SECONDS, self._renew, name="certificate", patient=True
        ).setServiceParent(self)

    @property
    def ca_path(self) -> Path:
        """What clients trust."""
        return CertificateFiles(self._directory).ca

    @property
    def node_token_file(self) -> Path:
        """The agent's token."""
        return self._directory / "node-token"

    @property
    def operator_token_file(self) -> Path:
        """A person's token."""
        return self._directory / "operator-token"

    @property
    def url(self) -> str | None:
        """Where clients find it; None while the port is not known."""
        port = self.port or self._wanted_port
        host = _ANY_INTERFACE.get(self._interface, self._interface)
        return f"https://{f'[{host}]' if ':' in host else host}:{port}" if port else None

    def prepare(self) -> None:
        """
        Make or read the files and open the database; doing it twice changes nothing.

        :raises SoloUnavailable: when that cannot be done.
        """
        if self.controller is not None:
            return
        directory = self._directory
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            ensure_certificates(directory, self._interface, self._now())
            self.controller = build_controller(
                Store(directory / "solo.sqlite3"),
                directory=directory,
                node_id=self._node_id,
                node_token=token_file(self.node_token_file, NODE_PREFIX, self._token_bytes),
                operator_token=token_file(
                    self.operator_token_file, OPERATOR_PREFIX, self._token_bytes
                ),
                now=self._now,
                token_bytes=self._token_bytes,
                in_thread=self._in_thread,
                maximum_upload=self._maximum_upload,
            )
        except OSError as error:
            raise SoloUnavailable(
                f"The built-in controller cannot use its directory {directory}: {error}."
            ) from error
        except (UnusableCertificates, UnusableStore) as error:
            raise SoloUnavailable(str(error)) from error

    def startService(self) -> None:  # noqa: N802
        """
        Listen.

        :raises SoloUnavailable: when the files or the port cannot be used.
        """
        self.prepare()
        assert self.controller is not None
        self._certificate = ShownCertificate(CertificateFiles(self._directory))
        site = SoloSite(
            SoloResource(self.controller),
            request_seconds=self._request_seconds,
            reactor=self._reactor,
        )
        site.noisy = False
        self._connections = Connections(
            self._certificate,
            isClient=False,
            wrappedFactory=site,
            clock=self._reactor,
        )
        try:
            self._listening = self._reactor.listenTCP(
                self._wanted_port, self._connections, interface=self._interface
            )
        except CannotListenError as error:
            raise SoloUnavailable(
                f"The built-in controller cannot listen on {self._interface} port "
                f"{self._wanted_port}: {error.socketError}."
            ) from error
        assert self._listening is not None
        address: Any = self._listening.getHost()
        self.port = address.port
        super().startService()
        self.log.info("the built-in controller listens at {url}", url=self.url)

    def stopService(self) -> Deferred[None]:  # noqa: N802
        """Stop listening, close every connection and the database; takes at most a few seconds."""
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await maybeDeferred(super().stopService)
        listening, self._listening, self.port = self._listening, None, None
        if listening is not None:
            await maybeDeferred(listening.stopListening)
        if self._connections is not None:
            await self._connections.close(self._reactor)
        controller, self.controller = self.controller, None
        if controller is not None:
            # A file that is being stored gets its receipt into the database, if the disk is quick.
            settled = controller.uploads.settled()
            settled.addTimeout(STOP_SECONDS, self._reactor)
            try:
                await settled
            except Exception:  # noqa: BLE001 - the bound of a stop
                self.log.warn("an upload was still being stored when the controller stopped")
            controller.store.close()

    async def _renew(self) -> None:
        """Renew the certificate in time, and show the new one to whoever connects from now on."""
        assert self._certificate is not None
        await self._in_thread(ensure_certificates, self._directory, self._interface, self._now())
        if self._certificate.refresh():
            self.log.info("the certificate of the built-in controller was renewed")

    async def _expire(self) -> None:
        assert self.controller is not None
        for job in self.controller.jobs.expire():
            self.log.warn(
                "job {job} is {status}: {reason}",
                job=job.id,
                status=job.status,
                reason=job.failure_reason,
            )


def solo_service(reactor: Any, **arguments: Any) -> SoloService:
    """A :class:`SoloService` that was not started yet."""
    return SoloService(reactor, **arguments)
