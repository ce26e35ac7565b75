"""What the kernel's files tell of a sound card.  Everything here blocks: call it in a thread."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from rakkr.inventory.alsa import CaptureDevice, DeviceFacts
from rakkr.inventory.naming import printable
from rakkr.inventory.parameters import NOTHING, Parameters, is_closed, parse_running, parse_stream

_MOST_BYTES: Final = 1 << 20


def read_text(path: Path) -> str | None:
    """The beginning of a text file, whatever its bytes; None when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError):
        return None


def _resolved(link: Path) -> Path | None:
    """Where a link leads in the end, None when it leads nowhere that we may look."""
    try:
        return link.resolve(strict=True)
    except (OSError, RuntimeError):
        return None


@attrs.frozen
class CardFiles:
    """
    The two trees that describe sound cards.

    :ivar asound: normally ``/proc/asound``.
    :ivar sound: normally ``/sys/class/sound``.
    """

    asound: Path
    sound: Path

    def facts(self, device: CaptureDevice) -> DeviceFacts:
        """
        What is known of one device.

        The kernel numbers the stream files of a USB card as it numbers the card's devices.
        """
        card = self.asound / f"card{device.card}"
        return DeviceFacts(
            can=parse_stream(read_text(card / f"stream{device.device}") or ""),
            opened=self._opened(device),
            hardware_path=self._hardware_path(device),
            serial_number=self._serial_number(device),
            own_serial=self._own_serial(device),
            card_id=(read_text(card / "id") or "").strip() or None,
        )

    def idle(self, device: CaptureDevice) -> bool:
        """Whether nobody has the device open, for sure: all its subdevices say so."""
        texts = [read_text(each / "status") for each in self._subdevices(device)]
        return bool(texts) and all(map(is_closed, texts))

    def _opened(self, device: CaptureDevice) -> Parameters:
        """What the first subdevice that runs was opened with."""
        for each in self._subdevices(device):
            found = parse_running(read_text(each / "hw_params") or "")
            if found != NOTHING:
                return found
        return NOTHING

    def _subdevices(self, device: CaptureDevice) -> list[Path]:
        place = self.asound / f"card{device.card}" / f"pcm{device.device}c"
        return sorted(place.glob("sub*"))

    def _hardware_path(self, device: CaptureDevice) -> str:
        card = self.sound / f"card{device.card}"
        for link in (card / f"pcmC{device.card}D{device.device}c", card / "device"):
            place = _resolved(link)
            if place is not None:
                return printable(str(place))
        return f"/proc/asound/card{device.card}/pcm{device.device}c"

    def _serial_number(self, device: CaptureDevice) -> str | None:
        return next(self._serials(self._places(device)), None)

    def _own_serial(self, device: CaptureDevice) -> str | None:
        """
        The serial number of the USB device that the card is, None for other cards.

        A device without one must not take that of what it hangs on: hubs have serial numbers, and
        of a root hub it is its host controller's address, so all devices there would share it.
        """
        for place in self._places(device):
            if (place / "idVendor").exists():
                return printable(read_text(place / "serial") or "") or None
        return None

    def _places(self, device: CaptureDevice) -> tuple[Path, ...]:
        """The directory of the card's hardware, and those above it, nearest first."""
        place = _resolved(self.sound / f"card{device.card}" / "device")
        return () if place is None else (place, *place.parents)

    @staticmethod
    def _serials(places: tuple[Path, ...]) -> Iterator[str]:
        for place in places:
            serial = printable(read_text(place / "serial") or "")
            if serial:
                yield serial
            for line in (read_text(place / "uevent") or "").splitlines():
                key, _, value = line.partition("=")
                if key == "SERIAL" and printable(value):
                    yield printable(value)
