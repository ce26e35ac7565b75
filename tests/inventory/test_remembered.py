"""What devices said is known after a restart, whatever became of the file."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.alsa import CaptureDevice, DeviceFacts
from rakkr.inventory.parameters import Parameters
from rakkr.inventory.rates import MOST_CHANNELS
from rakkr.inventory.remembered import MOST_DEVICES, as_text, from_text, key_of

DESK = CaptureDevice(1, 0, "Desk", "Desk")
PORT = "/sys/devices/pci0000:00/0000:00:14.0/sound/card1/pcmC1D0c"
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "channelCount", "sampleRates", "formats"]), inner)
    ),
    max_leaves=8,
)


class KeyTests(SynchronousTestCase):
    def test_serial_number(self) -> None:
        """A device with a serial number is the same one on another port under another number."""
        here = key_of(DESK, DeviceFacts(own_serial="S1", hardware_path=PORT))
        moved = CaptureDevice(5, 0, "Desk", "Desk_1")
        there = key_of(moved, DeviceFacts(own_serial="S1", hardware_path="/sys/elsewhere"))
        self.assertEqual(here, there)
        self.assertNotEqual(here, key_of(DESK, DeviceFacts(own_serial="S2", hardware_path=PORT)))

    def test_place(self) -> None:
        """One without is the same one in the same place, under any number of the card."""
        again = PORT.replace("card1", "card7").replace("C1", "C7")
        self.assertEqual(
            key_of(DESK, DeviceFacts(hardware_path=PORT)),
            key_of(CaptureDevice(7, 0, "Desk", "Desk"), DeviceFacts(hardware_path=again)),
        )
        other = CaptureDevice(1, 0, "Booth", "Booth")
        self.assertNotEqual(
            key_of(DESK, DeviceFacts(hardware_path=PORT)),
            key_of(other, DeviceFacts(hardware_path=PORT)),
        )

    def test_nowhere(self) -> None:
        """A card that is nowhere is known by its ALSA name; each device of a card for itself."""
        self.assertEqual(key_of(DESK, DeviceFacts()), "hw:CARD=Desk,DEV=0 0 Desk")
        second = CaptureDevice(1, 1, "Desk", "Desk")
        self.assertNotEqual(
            key_of(DESK, DeviceFacts(own_serial="S")), key_of(second, DeviceFacts(own_serial="S"))
        )


class FileTests(SynchronousTestCase):
    def test_there_and_back(self) -> None:
        """What is written is read as the same."""
        known = {"a": Parameters(32, (48_000,), ("S32_LE",)), "b \udcff": Parameters(2)}
        self.assertEqual(from_text(as_text(known)), known)
        as_text(known).encode()

    def test_most_devices(self) -> None:
        """The file does not grow for ever: the oldest entries go."""
        for count, first in ((MOST_DEVICES, "0"), (MOST_DEVICES + 1, "1")):
            known = {str(number): Parameters(2) for number in range(count)}
            found = from_text(as_text(known))
            self.assertEqual((len(found), next(iter(found))), (MOST_DEVICES, first))

    def test_no_such_file(self) -> None:
        """Any other text is refused."""
        for text in ("", "{", "[]", "{}", '{"devices": []}', "null", "[" * 100_000):
            self.assertRaises(ValueError, from_text, text)

    def test_limits(self) -> None:
        """An impossible number is not believed, and an entry without anything is left out."""
        for count, expected in (
            (MOST_CHANNELS, {"a": Parameters(MOST_CHANNELS)}),
            (257, {}),
            (0, {}),
        ):
            self.assertEqual(
                from_text(f'{{"devices": {{"a": {{"channelCount": {count}}}}}}}'), expected
            )

    @given(st.dictionaries(st.text(max_size=3), _JSON, max_size=3))
    def test_any_entries(self, entries: dict[str, object]) -> None:
        """Entries of any shape do no harm to their neighbours."""
        import json

        good = {"channelCount": 8, "sampleRates": [48_000], "formats": []}
        text = json.dumps({"devices": {**entries, "good": good}})
        self.assertEqual(from_text(text)["good"], Parameters(8, (48_000,)))
