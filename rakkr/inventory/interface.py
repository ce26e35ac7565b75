"""An audio input of this node, whichever backend found it."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class AudioInterface:
    """
    One input that can be recorded from.

    :ivar id: ours, stable over restarts; the controller has ids of its own.
    :ivar backend: ``alsa``, ``jack``, ``pipewire`` or ``unknown``.
    :ivar system_name: what the system calls it: of ALSA for people, of the sound servers the name
        that is recorded by, because a controller hands it back as a job's device.
    :ivar alias: a name for people, where the system name is none.
    :ivar system_ref: how a capture program opens it, and how the controller knows it again.
    :ivar channel_count: the most channels that it is known to have.
    :ivar channel_names: of its channels; empty where they have none.
    :ivar assumed: whether nobody told how many channels it can have.
    :ivar formats: the sample formats that it is known to deliver, by ALSA's names.
    :ivar sample_rates: in Hz, rising.
    :ivar hardware_path: where it is plugged in, as the kernel says.
    :ivar serial_number: of the device or else of the nearest thing above it that has one, as
        inventory.md section 3 wants it; see ``own_serial``.
    :ivar card: ALSA's number of the card at the moment, which the next card may have tomorrow.
    :ivar card_id: ALSA's name of the card, which the next card of its kind may have tomorrow.
    :ivar device: ALSA's number of the device on the card.
    :ivar own_serial: the serial number of the USB device itself, never of a hub above it.
    """

    id: str
    backend: str
    system_name: str
    system_ref: str | None = None
    alias: str | None = None
    channel_count: int = 2
    channel_names: tuple[str, ...] = ()
    assumed: bool = False
    sample_rates: tuple[int, ...] = (48_000,)
    formats: tuple[str, ...] = ()
    hardware_path: str | None = None
    serial_number: str | None = None
    card: int | None = None
    card_id: str | None = None
    device: int | None = None
    own_serial: str | None = None


@attrs.frozen
class Inventory:
    """
    The inputs that were found at one moment.

    :ivar probe_ok: whether the system could be asked.  When not, that nothing was found means
        nothing, and a controller must not be told that the inputs are gone.
    :ivar reason: what went wrong, also when another way of asking then worked.
    :ivar answering: the sound servers that answer, ``jack`` and ``pipewire``, with or without any
        input.
    :ivar remarks: what an operator should know of inputs that cannot be named.
    """

    interfaces: tuple[AudioInterface, ...]
    probe_ok: bool
    reason: str | None = None
    answering: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()


FALLBACK = AudioInterface(
    id="iface_default_capture",
    backend="unknown",
    system_name="Audio backend discovery pending",
)
"""Stands in the printed inventory of a node that has no input; it is never sent to a controller."""
FALLBACK_ALIAS = "Default Capture Interface"
