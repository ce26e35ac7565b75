"""The formats of a node are read as every version writes them, and no shape makes it fail."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.pipewire_shape import Shape, rates_of, shape_of

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["rate", "channels", "format", "mediaSubtype", "min", "max"]), inner
        )
    ),
    max_leaves=12,
)


class ShapeTests(SynchronousTestCase):
    def test_fixed(self) -> None:
        """One value of each, as a source that plays one format has them."""
        told = [{"mediaSubtype": "raw", "format": "S32LE", "rate": 48000, "channels": 2}]
        self.assertEqual(shape_of(told), Shape(2, (48_000,), ("S32_LE",)))

    def test_choice(self) -> None:
        """A choice of rates is no range."""
        rate = {"default": 44_100, "alt1": 44_100, "alt2": 96_000}
        told = [{"mediaSubtype": "raw", "rate": rate, "channels": {"min": 1, "max": 8}}]
        self.assertEqual(shape_of(told), Shape(8, (44_100, 96_000)))

    def test_formats(self) -> None:
        """Formats have the names that a capture is asked for by; others are passed over."""
        choice = {
            "default": "F32P",
            "alt1": "F32P",
            "alt2": "S24LE",
            "alt3": "S24_32LE",
            "alt4": "X",
        }
        told = [{"mediaSubtype": "raw", "format": choice}]
        self.assertEqual(shape_of(told).formats, ("FLOAT_LE", "S24_3LE", "S24_LE"))

    def test_encoded(self) -> None:
        """A format that is not of samples tells nothing."""
        self.assertEqual(shape_of([{"mediaSubtype": "iec958", "rate": 48000}]), Shape())
        self.assertEqual(shape_of(None), Shape())

    def test_most_channels(self) -> None:
        """A number of channels that cannot be is passed over."""
        for count, expected in ((256, 256), (257, None), (0, None), (True, None)):
            told = [{"mediaSubtype": "raw", "channels": count}]
            self.assertEqual(shape_of(told).channel_count, expected)

    def test_one_rate(self) -> None:
        """A rate that cannot be is none."""
        self.assertEqual((rates_of(48_000), rates_of(0), rates_of(None)), ((48_000,), (), ()))

    @given(_JSON)
    def test_any_shape(self, told: object) -> None:
        """No JSON makes reading fail."""
        shape_of(told)
        shape_of([told, {"mediaSubtype": "raw", "rate": told, "channels": told, "format": told}])
