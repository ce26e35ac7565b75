"""Files as killed programs really leave them, and programs that read the copies."""

from __future__ import annotations

import os
import subprocess
import time
import wave as standard_wave
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from rakkr.audio.wave import read_header
from rakkr.repair import repair
from tests.integration import alsa_device, pipewire_server
from tests.integration.alsa_device import AlsaDevice
from tests.integration.pipewire_server import PipeWireServer
from tests.integration.tone_program import tone_program

Need = Callable[[str, str], str]
ENOUGH_BYTES = 50_000
PATIENCE_SECONDS = 20


def killed(argv: Sequence[str], path: Path, env: dict[str, str] | None = None) -> bytes:
    """Run a program until its file has audio, and kill it; return what it left."""
    with subprocess.Popen(
        argv, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as program:
        until = time.monotonic() + PATIENCE_SECONDS
        while not path.exists() or path.stat().st_size < ENOUGH_BYTES:
            if program.poll() is not None or time.monotonic() > until:
                program.kill()
                assert program.stderr is not None
                pytest.fail(f"{argv[0]} wrote nothing: {program.stderr.read()!r}")
            time.sleep(0.01)
        program.kill()
    return path.read_bytes()


def repaired(path: Path, left: bytes, words: str) -> Path:
    """Repair a file; the copy has every whole frame, and is understood by others."""
    report = repair(path)
    assert report.copy is not None, report
    assert report.wrong is not None
    assert words in report.wrong
    assert path.read_bytes() == left
    with path.open("rb") as file:
        offset = read_header(file).data_offset
    with report.copy.open("rb") as file:
        found = read_header(file)
        file.seek(found.data_offset)
        data = file.read()
    frame = found.format.frame_bytes(found.channels)
    assert found.whole
    assert data == left[offset : offset + len(data)]
    assert 0 <= len(left) - offset - len(data) < frame
    assert repair(report.copy).copy is None
    return report.copy


def heard(path: Path, need: Need) -> int:
    """Return how many bytes of 16 bits a player hears of a file, of which it does not complain."""
    command = [need("ffmpeg", "ffmpeg"), "-v", "error", "-i", str(path), "-f", "s16le", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stderr == b""
    return len(done.stdout)


def tone(directory: Path) -> tuple[Path, list[str]]:
    """A file that rakkr-tone is to write, and how it is called."""
    path = directory / "out.wav"
    shape = ["-D", "tone", "-f", "S16_LE", "-r", "48000", "-c", "2"]
    return path, [str(tone_program(directory)), *shape, str(path)]


def test_rakkr_tone(tmp_path: Path, need: Need) -> None:
    """A killed rakkr-tone left 2 GiB on paper; the standard library reads the copy."""
    path, argv = tone(tmp_path)
    copy = repaired(path, killed(argv, path), "never finished, and claimed 2147483648 bytes")
    with standard_wave.open(str(copy)) as file:
        assert file.getnframes() == repair(copy).frames
    assert heard(copy, need) == repair(copy).frames * 4


@pytest.mark.parametrize("form", ["S16_LE", "S24_LE", "S24_3LE", "S32_LE"])
def test_arecord(tmp_path: Path, need: Need, form: str) -> None:
    """A killed arecord left 2 GiB on paper, whatever the format."""
    for each in alsa_device.NEEDS:
        need(*each)
    path = tmp_path / "out.wav"
    with AlsaDevice(tmp_path) as device:
        argv = ["arecord", "-q", "-D", device.name, "-f", form, "-r", "48000", "-c", "2", str(path)]
        left = killed(argv, path, device.env)
    copy = repaired(path, left, "never finished, and claimed 2147483648 bytes")
    if form == "S16_LE":
        assert heard(copy, need) == repair(copy).frames * 4


def test_arecord_with_a_duration(tmp_path: Path, need: Need) -> None:
    """A killed arecord that knew its end left that on paper."""
    for each in alsa_device.NEEDS:
        need(*each)
    path = tmp_path / "out.wav"
    with AlsaDevice(tmp_path) as device:
        argv = ["arecord", "-D", device.name, "-f", "dat", "-d", "60", str(path)]
        left = killed(argv, path, device.env)
    repaired(path, left, "claimed 11520000 bytes of audio, and there are")


@pytest.mark.parametrize(
    "codec", [["pcm_s16le"], ["pcm_f32le"], ["pcm_s24le"], ["pcm_s16le", "-rf64", "auto"]]
)
def test_ffmpeg(tmp_path: Path, need: Need, codec: list[str]) -> None:
    """A killed ffmpeg left 4 GiB on paper, and a number of frames that is wrong."""
    path = tmp_path / "out.wav"
    source = ["-re", "-f", "lavfi", "-i", "sine=sample_rate=48000"]
    argv = [need("ffmpeg", "ffmpeg"), "-v", "error", *source, "-ac", "2", "-codec:a", *codec]
    left = killed([*argv, "-flush_packets", "1", str(path)], path)
    copy = repaired(path, left, "never finished, and claimed 4294967295 bytes")
    assert heard(copy, need) == repair(copy).frames * 4


def test_ffmpeg_into_a_pipe(tmp_path: Path, need: Need) -> None:
    """An ffmpeg that ended well could not go back to its header through a pipe."""
    path = tmp_path / "out.wav"
    source = ["-f", "lavfi", "-i", "sine=sample_rate=48000:duration=1"]
    with path.open("wb") as file:
        argv = [need("ffmpeg", "ffmpeg"), "-v", "error", *source, "-f", "wav", "pipe:1"]
        file.write(subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout)
    copy = repaired(path, path.read_bytes(), "never finished, and claimed 4294967295 bytes")
    assert repair(copy).frames == 48000


def test_pw_record(tmp_path: Path, need: Need) -> None:
    """A killed pw-record left nothing on paper."""
    for each in (*pipewire_server.NEEDS, ("pw-record", "pipewire-bin")):
        need(*each)
    path = tmp_path / "out.wav"
    with PipeWireServer(tmp_path / "pipewire") as server:
        argv = ["pw-record", "--target", server.target, "--rate", "48000", "--format", "s16"]
        left = killed([*argv, str(path)], path, server.env)
    copy = repaired(path, left, "claimed only 0 bytes of audio")
    assert heard(copy, need) == repair(copy).frames * 4


def test_more_than_4_gib(tmp_path: Path, need: Need) -> None:
    """A recording that outgrew its header is whole again, and its holes stay holes."""
    path, argv = tone(tmp_path)
    killed(argv, path)
    last, end = b"\1\2\3\4" * 1000, (4 << 30) + (1 << 20)
    with path.open("r+b") as file:
        file.seek(end)
        file.write(last)
    copy = repair(path).copy
    assert copy is not None
    with copy.open("rb") as file:
        found = read_header(file)
        assert (found.kind, found.whole) == ("rf64", True)
        assert found.data_bytes == end + len(last) - 128
        file.seek(-len(last), os.SEEK_END)
        assert file.read() == last
    assert copy.stat().st_blocks * 512 < 8 << 20
    probe = [need("ffprobe", "ffmpeg"), "-v", "error", "-show_entries", "stream=duration_ts"]
    told = subprocess.run(
        [*probe, "-of", "default=nk=1:nw=1", str(copy)], capture_output=True, check=True
    )
    assert int(told.stdout) == repair(copy).frames
