"""Which captured channel goes where."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.commands import ChannelMap, ChannelMapEntry
from rakkr.render.channels import (
    ChannelMapLike,
    Routing,
    highest_source,
    map_routing,
    select_routing,
)
from rakkr.render.errors import ImpossibleRender


def channel_map(mode, *entries, excluded=()):
    """Make a map of (source, output) pairs; ``excluded`` ones are in it and not included."""
    lines = [
        SimpleNamespace(
            included=included, label="", source_channel_index=source, output_channel_index=output
        )
        for included, pairs in ((True, entries), (False, excluded))
        for source, output in pairs
    ]
    return SimpleNamespace(channel_mode=mode, entries=tuple(lines))


class MapTests(SynchronousTestCase):
    """A channel map becomes a routing."""

    def routed(self, mode, *entries):
        """Return the outputs of a map."""
        routing = map_routing(channel_map(mode, *entries))
        assert routing is not None
        return routing.outputs

    def test_mono(self):
        """Mono is one channel that mixes every included source."""
        self.assertEqual(self.routed("mono", (1, 1), (3, 1)), ((0, 2),))

    def test_mono_to_stereo(self):
        """The mono mix goes to both sides."""
        self.assertEqual(self.routed("mono_to_stereo_mix", (2, 1), (4, 2)), ((1, 3), (1, 3)))

    def test_stereo_by_output(self):
        """Left and right are where the map says, whatever the order of its lines."""
        self.assertEqual(self.routed("stereo", (5, 2), (7, 1)), ((6,), (4,)))

    def test_stereo_by_source(self):
        """Without outputs the lower source is left."""
        self.assertEqual(self.routed("stereo", (4, None), (3, None)), ((2,), (3,)))

    def test_stereo_of_one(self):
        """A single source is heard on both sides."""
        self.assertEqual(self.routed("stereo", (3, 1)), ((2,), (2,)))
        self.assertEqual(self.routed("stereo", (3, None)), ((2,), (2,)))

    def test_multichannel(self):
        """Every source goes to the output that the map names."""
        self.assertEqual(self.routed("multichannel", (1, 3), (2, 1), (3, 2)), ((1,), (2,), (0,)))

    def test_gap_is_silent(self):
        """An output between two others that nobody fills is silence, not somebody else's source."""
        self.assertEqual(self.routed("multichannel", (1, 1), (2, 3)), ((0,), (), (1,)))

    def test_no_outputs(self):
        """Without outputs the sources keep their order and close up."""
        self.assertEqual(self.routed("multichannel", (8, None), (2, None)), ((1,), (7,)))

    def test_some_outputs(self):
        """A source without an output takes a free one; nobody is pushed aside or dropped."""
        self.assertEqual(
            self.routed("multichannel", (1, 2), (5, None), (6, None)), ((4,), (0,), (5,))
        )

    def test_unknown_mode(self):
        """A mode of the future is taken as multichannel."""
        self.assertEqual(self.routed("surround", (2, 1), (1, 2)), ((1,), (0,)))

    def test_nothing_included(self):
        """A map that includes nothing is no map."""
        self.assertIsNone(map_routing(channel_map("mono", excluded=[(1, 1)])))

    def test_excluded(self):
        """Lines that are not included play no part, neither in the routing nor in the width."""
        given_map = channel_map("multichannel", (1, 1), excluded=[(9, 2)])
        self.assertEqual(map_routing(given_map), Routing(((0,),)))
        self.assertEqual(highest_source(given_map), 1)
        self.assertEqual(highest_source(channel_map("mono", excluded=[(9, 2)])), 0)

    def test_map_of_the_controller(self):
        """The map that the controller sends is one that can be routed."""
        lines = (
            ChannelMapEntry(source_channel_index=3, output_channel_index=1),
            ChannelMapEntry(source_channel_index=4, included=False),
        )
        sent: ChannelMapLike = ChannelMap(channel_mode="mono", entries=lines)
        self.assertEqual(map_routing(sent), Routing(((2,),)))

    def test_two_sources_for_one_output(self):
        """Two sources for one output are refused, because one of them would be lost."""
        for mode in ("stereo", "multichannel"):
            with self.assertRaisesRegex(ImpossibleRender, "output 2 two sources"):
                self.routed(mode, (1, 2), (3, 2))

    def test_indices_count_from_one(self):
        """An index of 0 is refused on both sides."""
        for entry in ((0, 1), (1, 0)):
            with self.assertRaisesRegex(ImpossibleRender, "names channel 0"):
                self.routed("mono", entry)

    def test_most_outputs(self):
        """64 outputs are routed and a 65th is refused, before anything of that size is made."""
        self.assertEqual(len(self.routed("multichannel", (1, 64))), 64)
        with self.assertRaisesRegex(ImpossibleRender, "output 65"):
            self.routed("multichannel", (1, 65))

    @given(
        st.sampled_from(["mono", "mono_to_stereo_mix", "stereo", "multichannel", "other"]),
        st.lists(
            st.tuples(st.integers(1, 64), st.none() | st.integers(1, 64)),
            min_size=1,
            max_size=12,
            unique_by=(lambda pair: pair[0], lambda pair: pair[1] or -pair[0]),
        ),
    )
    def test_every_source_is_of_the_map(self, mode, entries):
        """A routing takes only sources that the map includes, and multichannel loses none."""
        outputs = self.routed(mode, *entries)
        used = [source + 1 for sources in outputs for source in sources]
        included = [source for source, _output in entries]
        self.assertLessEqual(set(used), set(included))
        if mode in {"multichannel", "other"}:
            self.assertEqual(sorted(used), sorted(included))
            self.assertEqual(len(outputs), max([len(entries), *(o or 0 for _s, o in entries)]))
            for source, output in entries:
                if output is not None:
                    self.assertEqual(outputs[output - 1], (source - 1,))
        else:
            self.assertEqual(len(outputs), 1 if mode == "mono" else 2)
            self.assertTrue(all(outputs))


class SelectTests(SynchronousTestCase):
    """Without a map the recording has the channels that were asked for."""

    def test_first(self):
        """With no selection these are the first ones."""
        self.assertEqual(select_routing([], 2).outputs, ((0,), (1,)))

    def test_selection(self):
        """A selection keeps its order."""
        self.assertEqual(select_routing([4, 2], 32).outputs, ((3,), (1,)))

    def test_none(self):
        """No channel at all is refused."""
        with self.assertRaisesRegex(ImpossibleRender, "no channels"):
            select_routing([], 0)

    def test_below_one(self):
        """Channel 0 does not exist."""
        with self.assertRaisesRegex(ImpossibleRender, "channel 0 does not exist"):
            select_routing([1, 0], 2)


class RoutingTests(SynchronousTestCase):
    """A routing knows what it needs and how ffmpeg is told."""

    def test_highest(self):
        """It needs a capture as wide as its highest source."""
        self.assertEqual(Routing(((0, 4), (), (2,))).highest, 5)
        self.assertEqual(Routing(((), ())).highest, 0)

    def test_passes_through(self):
        """It passes a capture through only if no channel is moved, left out or added."""
        stereo = Routing(((0,), (1,)))
        self.assertTrue(stereo.passes_through(2))
        self.assertFalse(stereo.passes_through(3))
        self.assertFalse(stereo.passes_through(1))
        self.assertFalse(Routing(((1,), (0,))).passes_through(2))

    def test_pan(self):
        """Mixes have equal gains, gaps have none, and layouts beyond stereo no loudspeakers."""
        self.assertEqual(Routing(((1, 2),)).pan(), "pan=mono|c0=0.500000*c1+0.500000*c2")
        self.assertEqual(Routing(((1,), (0,))).pan(), "pan=stereo|c0=c1|c1=c0")
        self.assertEqual(Routing(((1,), (), (0,))).pan(), "pan=3C|c0=c1|c1=0*c0|c2=c0")
