"""Kinds of files."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.pcm import FORMATS
from rakkr.render.codec import check_codec, choose_codec, codec_args, content_type, vbr_quality
from rakkr.render.errors import ImpossibleRender


class ChoiceTests(SynchronousTestCase):
    """What to make follows from the job."""

    def test_asked(self):
        """The codec that was asked for wins over the file name, in any case."""
        self.assertEqual(choose_codec("FLAC", "a.mp3"), "flac")

    def test_file_name(self):
        """Without a codec that is known the extension decides."""
        self.assertEqual(choose_codec(None, "a.b.MP3"), "mp3")
        self.assertEqual(choose_codec("opus", "a.flac"), "flac")

    def test_wav(self):
        """When nothing says anything it is wav."""
        for name in ("a", "a.opus", "", ".flac"):
            self.assertEqual(choose_codec("", name), "wav")

    def test_content_types(self):
        """Each kind has its media type."""
        self.assertEqual(content_type("wav"), "audio/wav")
        self.assertEqual(content_type("flac"), "audio/flac")
        self.assertEqual(content_type("mp3"), "audio/mpeg")


class LimitTests(SynchronousTestCase):
    """What a codec cannot do is said before anything is captured."""

    def refused(self, codec, channels, rate):
        """Return the sentence."""
        return str(self.assertRaises(ImpossibleRender, check_codec, codec, channels, rate))

    def test_flac_channels(self):
        """Flac holds 8 channels and not 9."""
        check_codec("flac", 8, 48000)
        self.assertIn("at most 8 channels and 9", self.refused("flac", 9, 48000))

    def test_flac_rates(self):
        """Flac holds any rate that its header can say."""
        for rate in (8000, 44100, 65534, 96000, 192000, 655340):
            check_codec("flac", 2, rate)
        for rate in (65535, 65537, 655350, 768000):
            self.assertIn(f"{rate} Hz", self.refused("flac", 2, rate))

    def test_mp3_channels(self):
        """An mp3 holds 2 channels and not 3."""
        check_codec("mp3", 2, 48000)
        self.assertIn("at most 2 channels and 3", self.refused("mp3", 3, 48000))

    def test_mp3_rates(self):
        """An mp3 holds the rates of its standard, not the one above."""
        check_codec("mp3", 1, 48000)
        for rate in (96000, 48001, 7350):
            self.assertIn(f"{rate} Hz", self.refused("mp3", 1, rate))

    def test_wav(self):
        """A wav holds what was captured."""
        check_codec("wav", 128, 768000)


class ArgsTests(SynchronousTestCase):
    """The encoder is told no more than it needs."""

    def args(self, codec, source="S16_LE", bitrate_kbps=None, vbr=False):
        """Return the arguments in one line."""
        return " ".join(codec_args(codec, FORMATS[source], bitrate_kbps=bitrate_kbps, vbr=vbr))

    def test_wav_width(self):
        """A wav is as wide as the capture, and may grow beyond 4 GiB."""
        widths = {
            "S8": "u8", "U8": "u8", "S16_LE": "s16le", "S16_BE": "s16le", "S24_LE": "s24le",
            "S24_3BE": "s24le", "S32_LE": "s32le", "FLOAT_BE": "f32le", "FLOAT64_LE": "f64le",
        }  # fmt: skip
        for source, width in widths.items():
            self.assertEqual(self.args("wav", source), f"-codec:a pcm_{width} -rf64 auto -f wav")

    def test_flac_width(self):
        """A flac has 16 bits where that loses nothing, else 24."""
        for source in ("S8", "U8", "S16_LE"):
            self.assertEqual(self.args("flac", source), "-codec:a flac -sample_fmt s16 -f flac")
        for source in ("S24_LE", "S24_3LE", "S32_LE", "FLOAT_LE", "FLOAT64_LE"):
            self.assertIn("-sample_fmt s32 -bits_per_raw_sample 24", self.args("flac", source))

    def test_mp3(self):
        """An mp3 has 128 kbit/s unless a rate was asked for, and a quality when it may vary."""
        self.assertEqual(self.args("mp3"), "-codec:a libmp3lame -b:a 128k -f mp3")
        self.assertEqual(self.args("mp3", bitrate_kbps=0), self.args("mp3"))
        self.assertIn("-b:a 320k", self.args("mp3", bitrate_kbps=320))
        self.assertIn("-q:a 5", self.args("mp3", vbr=True))
        self.assertIn("-q:a 2", self.args("mp3", bitrate_kbps=192, vbr=True))

    def test_vbr_edges(self):
        """Each quality begins at its lowest rate and the next one just below."""
        edges = {245: 0, 225: 1, 190: 2, 175: 3, 165: 4, 128: 5, 112: 6, 96: 7, 80: 8}
        for kbps, quality in edges.items():
            self.assertEqual(vbr_quality(kbps), quality)
            self.assertEqual(vbr_quality(kbps - 1), quality + 1)
        self.assertEqual((vbr_quality(1), vbr_quality(None), vbr_quality(0)), (9, 5, 5))
