"""Whether there is anything to record from."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.interface import FALLBACK, AudioInterface
from rakkr.system.audio import AudioInputs, missing
from rakkr.system.levels import Level


def interface(backend: str, channels: int = 2) -> AudioInterface:
    """An input; card 1, device 0."""
    return AudioInterface(
        id="i", backend=backend, system_name="X", channel_count=channels,
        card=1, card_id="USB", device=0,
    )  # fmt: skip


def inputs(*interfaces: AudioInterface) -> AudioInputs:
    """What was found."""
    return AudioInputs(interfaces=interfaces, backends=["alsa"], listed=len(interfaces) or 1)


class AudioTests(SynchronousTestCase):
    """Inputs that count, and those that do not."""

    def test_any_backend(self) -> None:
        """An input of PipeWire or JACK is as good as one of ALSA."""
        for backend in ("alsa", "jack", "pipewire"):
            self.assertIs(inputs(interface(backend)).level, Level.HEALTHY)

    def test_none(self) -> None:
        """No input, one without channels, and the stand-in are none: a warning, never more."""
        for found in (inputs(), inputs(interface("alsa", 0)), inputs(FALLBACK)):
            self.assertEqual((found.available, found.level), (0, Level.WARNING))

    def test_details(self) -> None:
        """The events say how many there are, of how many, and which configured one is not there."""
        found = inputs(interface("alsa"), interface("jack", 0))
        self.assertEqual(
            found.details(["hw:7,0"]),
            {
                "audioBackends": ["alsa"],
                "availableInterfaces": 1,
                "backendCount": 1,
                "interfaces": 2,
                "missingDevices": ["hw:7,0"],
            },
        )

    def test_missing(self) -> None:
        """A card is missed by number or name; what names no card cannot be."""
        there = [interface("alsa")]
        names = ["hw:1,0", "plughw:USB", "hw:CARD=USB,DEV=0", "default", "alsa_input.x", "hw:1,1"]
        self.assertEqual(missing([*names, "hw:CARD=Gone", "hw:CARD=Gone"], there), [
            "hw:1,1", "hw:CARD=Gone",
        ])  # fmt: skip
