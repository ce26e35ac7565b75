"""What jack_lsp says of ports."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.jack import JackPort, Patchbay, by_number, read_ports

AUDIO = "\t32 bit float mono audio\n"
# As jack_lsp of jackd2 1.9.21 printed it, while a recorder was there.
REAL = (
    f"system:capture_1\n\tproperties: output,physical,terminal,\n{AUDIO}"
    f"system:playback_1\n\tproperties: input,physical,terminal,\n{AUDIO}"
    f"sim:out_2\n   rakkr-y:in_000\n\tproperties: output,\n{AUDIO}"
    f"sim:out_10\n   rakkr-y:in_001\n   other in:left one\n\tproperties: output,\n{AUDIO}"
    "midi:out\n\tproperties: output,\n\t8 bit raw midi\n"
    f"rakkr-y:in_000\n   sim:out_2\n\tproperties: input,\n{AUDIO}"
    f"rakkr-y:in_001\n   sim:out_10\n\tproperties: input,\n{AUDIO}"
)


def patchbay(*names: str) -> Patchbay:
    """Have output ports of these names."""
    return Patchbay(ports=tuple(JackPort(name=name, output=True) for name in names))


class PortsTests(SynchronousTestCase):
    def test_read(self) -> None:
        """Names, directions, kinds and connections are read, names with blanks too."""
        found = read_ports(REAL)
        ten = found.find("sim:out_10")
        assert ten is not None
        self.assertEqual(ten.joined, ("rakkr-y:in_001", "other in:left one"))
        self.assertEqual(ten.client, "sim")
        sources = [port.name for port in found.sources]
        self.assertEqual(sources, ["system:capture_1", "sim:out_2", "sim:out_10"])
        self.assertEqual(found.inputs_of_the_card, ("system:capture_1",))
        self.assertIsNone(found.find("sim:out_3"))

    def test_noise_before_the_list(self) -> None:
        """Lines that belong to no port are passed over."""
        self.assertEqual(read_ports("\tproperties: output,\n   x:y\nnothing\n\n"), Patchbay())
        self.assertEqual(read_ports("nothing\n" + REAL), read_ports(REAL))

    def test_matching(self) -> None:
        """A name, a client's name and a pattern find ports, in the order of their numbers."""
        found = patchbay("b:out_10", "b:out_2", "b:out_1", "a:mic [20] one", "a:mic [3] one")
        self.assertEqual(found.matching("b:out_1"), ("b:out_1",))
        self.assertEqual(found.matching("b:*"), ("b:out_1", "b:out_2", "b:out_10"))
        self.assertEqual(found.matching("b"), found.matching("b:*"))
        self.assertEqual(found.matching("b:out_?"), ("b:out_1", "b:out_2"))
        self.assertEqual(found.matching("a:mic [20]*"), ("a:mic [20] one",))
        self.assertEqual(found.matching("c"), ())

    @given(st.lists(st.integers(0, 10**6), unique=True, max_size=40))
    def test_numbers_sort_as_numbers(self, numbers: list[int]) -> None:
        """Channel 10 comes after channel 9, never after channel 1."""
        names = [f"sim:out_{number}" for number in numbers]
        self.assertEqual(
            sorted(names, key=by_number), [f"sim:out_{number}" for number in sorted(numbers)]
        )

    @given(st.text(max_size=60))
    def test_any_text(self, text: str) -> None:
        """Whatever a program prints, it is read without an error."""
        self.assertIsInstance(read_ports(text), Patchbay)
