"""
Which of our inputs a controller means, and what it calls ours.

A controller has ids of its own, and knows an input by its reference, else by its name.  Its ids
stand in jobs, in channel maps and in meter frames; ours, which are told to people, may, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import attrs

from rakkr.inventory.interface import AudioInterface
from rakkr.inventory.reference import parse_reference


class TheirInterface(Protocol):
    """An input as a controller knows it."""

    @property
    def id(self) -> str:
        """The controller's id."""

    @property
    def backend(self) -> str:
        """``alsa``, ``jack``, ``pipewire`` or ``unknown``."""

    @property
    def system_name(self) -> str:
        """As it was reported."""

    @property
    def system_ref(self) -> str | None:
        """As it was reported, else the system name."""

    @property
    def channel_count(self) -> int:
        """As it was reported."""

    @property
    def absent(self) -> bool:
        """Whether the last report did not hold it."""


def key_of(found: AudioInterface | TheirInterface) -> str:
    """What both sides know an input by."""
    return found.system_ref or found.system_name


def interface_of(
    device: str, backend: str | None, known: Iterable[AudioInterface]
) -> AudioInterface | None:
    """
    Find the input that a capture's device stands for.

    :param backend: of the capture; None for any.
    """
    reference = parse_reference(device)
    for each in known:
        if backend in {None, each.backend} and (
            each.backend != "alsa" and each.system_name == device
            if reference is None
            else reference.means(each)
        ):
            return each
    return None


@attrs.define
class Directory:
    """
    What the controller calls our inputs, as far as it has said so.

    :ivar interfaces: its own list.
    """

    interfaces: Sequence[TheirInterface] = ()

    def id_of(self, ours: AudioInterface) -> str | None:
        """The controller's id of an input, None when it does not know the input."""
        return next((each.id for each in self.interfaces if key_of(each) == key_of(ours)), None)

    def ours(self, id_: str | None, known: Iterable[AudioInterface]) -> AudioInterface | None:
        """The input that an id stands for, the controller's or ours; None when it is not there."""
        if id_ is None:
            return None
        theirs = next((each for each in self.interfaces if each.id == id_), None)
        for each in known:
            if each.id == id_ or (theirs is not None and key_of(theirs) == key_of(each)):
                return each
        return None

    def is_device(
        self, id_: str, interface_id: str | None, device: str, known: Sequence[AudioInterface]
    ) -> bool:
        """
        Whether an id stands for the input that a job records.

        :param interface_id: the job's own id of it, which counts more than its device's name.
        """
        if id_ in {interface_id, device}:
            return True
        meant = self.ours(id_, known)
        recorded = self.ours(interface_id, known) or interface_of(device, None, known)
        if meant is not None and recorded is not None:
            return meant.id == recorded.id
        theirs = next((each for each in self.interfaces if each.id == id_), None)
        return theirs is not None and interface_id is None and key_of(theirs) == device
