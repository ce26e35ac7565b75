"""Calls to the controller's endpoints: a success gives its data, everything else a named error."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from rakkr.controller.address import ControllerAddress
from rakkr.controller.errors import BadMessage, Rejected, Unauthorised
from rakkr.controller.transport import Answer, Call, MakeBody, Timeouts, Transport

T = TypeVar("T")
_UNAUTHORISED = 401
_NO_CONTENT = 204
_LONGEST_EXPLANATION = 1000


class Calls:
    """
    Makes calls below one address.

    :ivar address: where the controller is.
    :ivar timeouts: how long calls may take.
    """

    def __init__(
        self, address: ControllerAddress, transport: Transport, timeouts: Timeouts
    ) -> None:
        self.address = address
        self.timeouts = timeouts
        self._transport = transport

    async def ask(
        self,
        method: str,
        url: str,
        *,
        label: str,
        headers: Mapping[str, str] | None = None,
        make_body: MakeBody | None = None,
        seconds: float | None = None,
        stall: float | None = None,
    ) -> Answer:
        """
        Make a call.

        :param label: what it is, for sentences.
        :param seconds: its budget; by default that of a small call.
        :param stall: how long nothing may move, where that is limited besides.
        :raises Unreachable: when there is no whole answer.
        :raises Rejected: for every status but 2xx; :class:`Unauthorised` for 401.
        """
        answer = await self._transport.ask(
            Call(
                method=method,
                url=url,
                label=label,
                seconds=self.timeouts.call if seconds is None else seconds,
                stall=stall,
                headers=headers or {},
                make_body=make_body,
            )
        )
        if answer.ok:
            return answer
        said = " ".join(answer.body.decode(errors="replace").split())[:_LONGEST_EXPLANATION]
        if answer.status == _UNAUTHORISED:
            raise Unauthorised(said, label)
        raise Rejected(answer.status, said, label)


def data_of(answer: Answer, label: str) -> Any:
    """
    Take the data out of an answer's envelope.

    :raises BadMessage: when it is no JSON, or has none.
    """
    try:
        envelope = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise BadMessage(f"the controller's answer to {label} is no JSON") from None
    if not isinstance(envelope, dict) or "data" not in envelope:
        raise BadMessage(f"the controller's answer to {label} holds no data")
    return envelope["data"]


def optional_of(answer: Answer, label: str, read: Callable[[object], T]) -> T | None:
    """Read the data of an answer, or None where the controller had nothing to say."""
    return None if answer.status == _NO_CONTENT else read(data_of(answer, label))
