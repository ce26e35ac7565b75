"""The table for people holds together, whatever devices call themselves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.interface import AudioInterface, Inventory
from rakkr.inventory.table import device_of, inventory_table

DESK = AudioInterface(
    id="i",
    backend="alsa",
    system_name="Desk",
    system_ref="hw:CARD=Desk,DEV=0",
    channel_count=32,
    sample_rates=(44_100, 48_000),
    formats=("S32_LE",),
    serial_number="A1",
    hardware_path="/sys/x",
)
MIC = AudioInterface(
    id="p",
    backend="pipewire",
    system_name="mic",
    alias="麦克风",
    system_ref="pipewire:mic",
    assumed=True,
    sample_rates=(8_000, 16_000, 32_000, 44_100, 48_000, 88_200, 96_000),
)


def table(*found: AudioInterface) -> list[str]:
    """The lines."""
    return inventory_table(Inventory(found, probe_ok=True)).splitlines()


class TableTests(SynchronousTestCase):
    def test_lines(self) -> None:
        """Each input has a line with everything, below the headings."""
        rows = [
            "NAME    BACKEND   DEVICE TO RECORD    CHANNELS  RATES (HZ)      FORMATS",
            "Desk    alsa      hw:CARD=Desk,DEV=0  32        44100 48000     S32_LE ",
            "麦克风  pipewire  mic                 2?        8000-96000 (7)  -      ",
        ]
        where = "  SERIAL NUMBER  WHERE", "  A1             /sys/x", "  -              -"
        expected = [row + end for row, end in zip(rows, where, strict=True)]
        self.assertEqual(table(DESK, MIC), expected)

    def test_devices(self) -> None:
        """What stands there as a device is what a capture is given."""
        self.assertEqual((device_of(DESK), device_of(MIC)), ("hw:CARD=Desk,DEV=0", "mic"))

    def test_few_rates(self) -> None:
        """Six rates are told, of seven the ends."""
        six = AudioInterface(
            id="x", backend="alsa", system_name="n", sample_rates=(1, 2, 3, 4, 5, 6)
        )
        self.assertIn("1 2 3 4 5 6", table(six)[1])

    def test_none(self) -> None:
        """Where there is no input, it says so, and why if that is known."""
        self.assertEqual(table(), ["no audio input was found"])
        why = Inventory((), probe_ok=False, reason="arecord\x1b failed")
        self.assertEqual(inventory_table(why), "no audio input was found: arecord failed\n")

    @given(st.text(st.characters()), st.text(st.characters()))
    def test_any_name(self, name: str, serial: str) -> None:
        """No name breaks a line, or reaches the terminal as anything but letters."""
        odd = AudioInterface(id="x", backend="alsa", system_name=name, serial_number=serial)
        lines = inventory_table(Inventory((odd, DESK), probe_ok=True)).split("\n")
        self.assertEqual(len(lines), 4)
        "".join(lines).encode()
        self.assertTrue("".join(lines).isprintable())
