"""What JACK has is listed by the clients that it is recorded by."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.jack import JackPort, Patchbay, read_ports
from rakkr.inventory.jack_inputs import jack_inputs
from rakkr.inventory.rates import MOST_CHANNELS
from tests.inventory.test_jack import REAL


def ports(client: str, count: int, *, physical: bool = False) -> tuple[JackPort, ...]:
    """Ports that give sound."""
    return tuple(
        JackPort(name=f"{client}:out_{number}", output=True, physical=physical)
        for number in range(1, count + 1)
    )


class InputsTests(SynchronousTestCase):
    def test_real_server(self) -> None:
        """Of a real server each client that gives sound is an input, at the server's rate."""
        found, remarks = jack_inputs(read_ports(REAL, 44_100))
        self.assertEqual(remarks, ())
        self.assertIn("system", [each.system_name for each in found])
        for each in found:
            self.assertEqual((each.backend, each.sample_rates), ("jack", (44_100,)))
            self.assertEqual(each.system_ref, f"jack:{each.system_name}")

    def test_ports(self) -> None:
        """Channels have the names of their ports, by number, and there are as many."""
        (found,) = jack_inputs(Patchbay(ports=ports("sim", 12)[::-1]))[0]
        self.assertEqual(found.channel_count, 12)
        self.assertEqual(found.channel_names[9:], ("out_10", "out_11", "out_12"))
        self.assertEqual((found.id, found.sample_rates), ("jack_sim", (48_000,)))

    def test_who_is_none(self) -> None:
        """Clients that only take sound, such as our captures, and MIDI are no inputs."""
        taker = JackPort(name="rakkr-1:in_1", output=False)
        midi = JackPort(name="keys:out", output=True, audio=False)
        self.assertEqual(jack_inputs(Patchbay(ports=(taker, midi))), ((), ()))

    def test_order(self) -> None:
        """The sound card comes first, then the others by name."""
        there = (*ports("b", 1), *ports("a", 1), *ports("system", 2, physical=True))
        found = jack_inputs(Patchbay(ports=there))[0]
        self.assertEqual([each.system_name for each in found], ["system", "a", "b"])

    def test_names_that_cannot_be_said(self) -> None:
        """A client that would be taken for a pattern or a list is left out, and that is said."""
        for name in ("a,b", "a*", "a?", "auto", "a\0", "x" * 241):
            found, remarks = jack_inputs(Patchbay(ports=(*ports(name, 1), *ports("good", 1))))
            self.assertEqual([each.system_name for each in found], ["good"], ascii(name))
            self.assertEqual(len(remarks), 1)

    def test_recorded_as_listed(self) -> None:
        """What is listed as a device finds exactly its ports."""
        bay = Patchbay(ports=(*ports("desk [1]", 3), *ports("desk", 2)))
        for each in jack_inputs(bay)[0]:
            self.assertEqual(len(bay.matching(each.system_name)), each.channel_count)

    def test_most_channels(self) -> None:
        """No more channels are told than there may be."""
        (found,) = jack_inputs(Patchbay(ports=ports("wide", MOST_CHANNELS + 1)))[0]
        self.assertEqual((found.channel_count, len(found.channel_names)), (256, 256))
