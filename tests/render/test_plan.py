"""Plans and the command lines that follow from them."""

from __future__ import annotations

from pathlib import Path

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import FORMATS
from rakkr.audio.strip import Piece, Strip
from rakkr.render.channels import Routing
from rakkr.render.errors import ImpossibleRender
from rakkr.render.plan import (
    FrameRange,
    RenderPlan,
    check_possible,
    demuxer,
    needs_render,
    plan_render,
    render_args,
)
from tests.render.test_channels import channel_map

STEREO = Routing(((0,), (1,)))


def captured(**changed):
    """Make a stereo capture of 1000 frames behind a header of 44 bytes."""
    usual = {
        "path": Path("/captures/a.raw.wav"),
        "data_offset": 44,
        "format": FORMATS["S16_LE"],
        "rate": 48000,
        "channels": 2,
        "frames": 1000,
        "wav": True,
    }
    return CapturedAudio(**{**usual, **changed})


def planned(**changed):
    """Plan a stereo flac of a stereo capture."""
    usual = {
        "output_codec": "flac",
        "output_file_name": "r.flac",
        "channel_map": None,
        "selection": (),
        "channels": 2,
        "captured_channels": 2,
        "rate": 48000,
    }
    return plan_render(**{**usual, **changed})


class PlanTests(SynchronousTestCase):
    """A plan says everything, or says why not."""

    def test_own_channels_of_a_wide_capture(self):
        """A member of a group gets its own channels, however wide the group was captured."""
        self.assertEqual(planned(captured_channels=32).routing, STEREO)

    def test_map_before_selection(self):
        """A map is obeyed and the selection beside it is not."""
        plan = planned(channel_map=channel_map("mono", (2, 1)), selection=(1, 2))
        self.assertEqual(plan.routing, Routing(((1,),)))
        self.assertEqual(plan.channels, 1)

    def test_empty_map(self):
        """A map that includes nothing changes nothing."""
        self.assertEqual(planned(channel_map=channel_map("mono")).routing, STEREO)

    def test_rates(self):
        """Wishes for an mp3 are kept."""
        plan = planned(output_codec="mp3", bitrate_kbps=192, vbr=True)
        self.assertEqual(
            (plan.bitrate_kbps, plan.vbr, plan.content_type), (192, True, "audio/mpeg")
        )

    def test_source_beyond_the_capture(self):
        """A source that is captured is taken, and one beyond is refused in a sentence."""
        planned(channel_map=channel_map("mono", (2, 1)))
        with self.assertRaisesRegex(ImpossibleRender, "needs captured channel 3 .* has 2"):
            planned(channel_map=channel_map("mono", (3, 1)))
        with self.assertRaisesRegex(ImpossibleRender, "needs captured channel 3"):
            planned(channels=3)

    def test_codec_limits(self):
        """A codec that cannot hold the channels or the rate is refused."""
        planned(channels=8, captured_channels=8)
        with self.assertRaisesRegex(ImpossibleRender, "flac holds"):
            planned(channels=9, captured_channels=9)
        with self.assertRaisesRegex(ImpossibleRender, "96000 Hz"):
            planned(output_codec="mp3", rate=96000)

    def test_wide_captures(self):
        """Picking works out of 64 channels; more pass only as they are."""
        planned(captured_channels=64)
        with self.assertRaisesRegex(ImpossibleRender, "at most 64 and there are 65"):
            planned(captured_channels=65)
        planned(output_codec="wav", channels=65, captured_channels=65)

    def test_zero_channels(self):
        """No channels are refused."""
        with self.assertRaisesRegex(ImpossibleRender, "no channels"):
            planned(channels=0)

    @given(
        st.sampled_from(["mono", "mono_to_stereo_mix", "stereo", "multichannel"]),
        st.sampled_from(["wav", "flac", "mp3"]),
        st.lists(
            st.tuples(st.integers(1, 40), st.none() | st.integers(1, 40)),
            max_size=10,
            unique_by=lambda pair: pair[1] or -pair[0],
        ),
        st.integers(1, 40),
        st.integers(1, 40),
    )
    def test_a_plan_fits(self, mode, codec, entries, channels, width):
        """Whatever is asked for: a plan that comes out reads only captured channels and fits."""
        try:
            plan = planned(
                output_codec=codec,
                channel_map=channel_map(mode, *entries),
                channels=channels,
                captured_channels=width,
            )
        except ImpossibleRender:
            return
        used = {source for sources in plan.routing.outputs for source in sources}
        self.assertLessEqual(used, set(range(width)))
        self.assertTrue(used)
        self.assertLessEqual(plan.channels, {"wav": 64, "flac": 8, "mp3": 2}[codec])
        if not entries:
            self.assertEqual(plan.channels, channels)


class NeedTests(SynchronousTestCase):
    """The captured file is delivered itself when it already is what was asked for."""

    def needed(self, audio, codec="wav", routing=STEREO, start=0, end=None):
        """Say whether this must be rendered."""
        return needs_render(RenderPlan(codec=codec, routing=routing), Strip.of(audio, start, end))

    def test_same(self):
        """A whole stereo wav of a stereo wav is there already."""
        self.assertFalse(self.needed(captured()))

    def test_different(self):
        """Another codec, a piece, other channels, or a container of our own needs work."""
        self.assertTrue(self.needed(captured(), codec="flac"))
        self.assertTrue(self.needed(captured(), end=999))
        self.assertTrue(self.needed(captured(), start=1))
        self.assertTrue(self.needed(captured(), routing=Routing(((1,), (0,)))))
        self.assertTrue(self.needed(captured(channels=3)))
        self.assertTrue(self.needed(captured(wav=False)))

    def test_joined(self):
        """A file with anything before it or behind it needs work."""
        whole = Strip.of(captured())
        plan = RenderPlan(codec="wav", routing=STEREO)
        silence = attrs.evolve(whole, pieces=(Piece(None, 0, 1),))
        self.assertFalse(needs_render(plan, whole))
        self.assertTrue(needs_render(plan, whole + silence))
        self.assertTrue(needs_render(plan, silence + whole))
        self.assertTrue(needs_render(plan, whole + whole))
        self.assertTrue(needs_render(plan, silence))


class ArgsTests(SynchronousTestCase):
    """ffmpeg gets exactly the range."""

    def args(self, audio, start=10, end=30):
        """Return the arguments of a flac."""
        return self.of(Strip.of(audio, start, end))

    def of(self, strip):
        """Return the arguments of a flac."""
        return render_args(RenderPlan(codec="flac", routing=STEREO), strip, Path("/out/.x.part"))

    def after(self, args, flag):
        """Return what follows a flag."""
        return args[args.index(flag) + 1]

    def test_range(self):
        """Reading begins at the first byte of the range and ends after its frames."""
        args = self.args(captured())
        self.assertEqual(self.after(args, "-skip_initial_bytes"), str(44 + 10 * 4))
        self.assertEqual(self.after(args, "-af"), "atrim=end_sample=20")
        self.assertEqual(self.after(args, "-f"), "s16le")
        self.assertEqual((self.after(args, "-ar"), self.after(args, "-ac")), ("48000", "2"))

    def test_beyond_4_gib(self):
        """A range deep in a long capture is reached by its byte."""
        args = self.args(
            captured(frames=10**10, channels=32, format=FORMATS["S32_LE"]),
            start=10**9,
            end=10**9 + 1,
        )
        self.assertEqual(self.after(args, "-skip_initial_bytes"), str(44 + 128 * 10**9))

    def test_files(self):
        """Names are taken as files, whatever is in them."""
        args = self.args(captured())
        self.assertEqual(self.after(args, "-i"), "file:/captures/a.raw.wav")
        self.assertEqual(args[-1], "file:/out/.x.part")

    def test_strung_together(self):
        """What is not one range of one file comes through stdin, and nothing of it is skipped."""
        one = Strip.of(captured(channels=3), 10, 30)
        args = self.of(one + Strip.of(captured(channels=3), 40, 45))
        self.assertEqual(self.after(args, "-i"), "pipe:0")
        self.assertNotIn("-skip_initial_bytes", args)
        self.assertEqual(self.after(args, "-af"), "atrim=end_sample=25,pan=stereo|c0=c0|c1=c1")
        direct = self.of(one)
        self.assertEqual(args[: args.index("-i")], direct[: direct.index("-skip_initial_bytes")])

    def test_channels(self):
        """Channels are routed only if they must be."""
        args = self.args(captured(channels=4))
        self.assertEqual(self.after(args, "-af"), "atrim=end_sample=20,pan=stereo|c0=c0|c1=c1")

    def test_24_bits_in_4_bytes(self):
        """The undefined top byte is taken away, and only where there is one."""
        for name in ("S24_LE", "S24_BE"):
            self.assertIn("aeval", self.after(self.args(captured(format=FORMATS[name])), "-af"))
        for name in set(FORMATS) - {"S24_LE", "S24_BE"}:
            self.assertNotIn("aeval", self.after(self.args(captured(format=FORMATS[name])), "-af"))

    def test_demuxers(self):
        """Every format is read as it lies in the file."""
        names = {name: demuxer(source) for name, source in FORMATS.items()}
        self.assertEqual(
            names,
            {
                "S8": "s8", "U8": "u8",
                "S16_LE": "s16le", "S24_LE": "s32le", "S24_3LE": "s24le", "S32_LE": "s32le",
                "FLOAT_LE": "f32le", "FLOAT64_LE": "f64le",
                "S16_BE": "s16be", "S24_BE": "s32be", "S24_3BE": "s24be", "S32_BE": "s32be",
                "FLOAT_BE": "f32be", "FLOAT64_BE": "f64be",
            },
        )  # fmt: skip

    def test_check(self):
        """A plan is checked again against the capture that there is."""
        plan = RenderPlan(codec="mp3", routing=STEREO)
        check_possible(plan, captured_channels=2, rate=48000)
        self.assertRaises(ImpossibleRender, check_possible, plan, captured_channels=1, rate=48000)

    def test_range_length(self):
        """A range knows its length."""
        self.assertEqual(FrameRange(10, 30).frames, 20)
        self.assertEqual(FrameRange(48000, 72000).seconds(48000), 0.5)
