"""``rakkr-tone`` as a program: pace, endings, full disk."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from rakkr.audio import wave
from rakkr.audio.pcm import sample_format
from rakkr.capture.dropouts import find_dropouts
from rakkr.tone import ledger, numbered
from tests.integration.tone_program import tone_program

_S16 = sample_format("S16_LE")
_SHAPE = ["-f", "S16_LE", "-r", "48000", "-c", "2"]


def test_exact_duration_at_the_speed_of_a_sound_card(tmp_path: Path) -> None:
    """One second of audio has exactly its frames, and takes a second to come."""
    began = time.monotonic()
    done = subprocess.run(
        [tone_program(tmp_path), *_SHAPE, "-d", "1", "-t", "raw", "--numbered"],
        capture_output=True,
        check=True,
    )
    assert time.monotonic() - began >= 1.0
    assert numbered.decode(done.stdout, _S16, 2).tolist() == list(range(48000))
    assert done.stderr == b""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_file(tmp_path: Path, number: int) -> None:
    """A signal ends the program at once as it ends arecord: finished header, words, code 1."""
    path = tmp_path / "a.wav"
    child = subprocess.Popen(
        [tone_program(tmp_path), *_SHAPE, "--numbered", path], stderr=subprocess.PIPE
    )
    while not path.exists() or path.stat().st_size < 40000:
        time.sleep(0.01)
        assert child.poll() is None
    child.send_signal(number)
    _out, said = child.communicate(timeout=10)
    assert child.returncode == 1
    assert b"Aborted by signal" in said
    with path.open("rb") as file:
        found = wave.read_header(file)
        file.seek(found.data_offset)
        numbers = numbered.decode(file.read(), _S16, 2)
    assert found.whole
    assert np.array_equal(numbers, np.arange(found.data_bytes // 4))


def test_a_full_disk(tmp_path: Path) -> None:
    """A disk that is full ends the program with a sentence and code 1."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [tone_program(tmp_path), *_SHAPE, "-t", "raw"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == b"rakkr-tone: write error: No space left on device\n"


def test_a_reader_that_goes(tmp_path: Path) -> None:
    """A pipe that nobody reads any more ends the program."""
    child = subprocess.Popen(
        [tone_program(tmp_path), *_SHAPE, "-t", "raw"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert len(os.read(child.stdout.fileno(), 100)) == 100
    child.stdout.close()
    assert child.wait(timeout=10) == 1
    assert child.stderr is not None
    with child.stderr:
        assert child.stderr.read() == b"rakkr-tone: write error: Broken pipe\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-D", "nonsense"], b"audio open error: Unknown PCM nonsense"),
        (["-f", "S99"], b"sample format 'S99' is not known"),
        (["-f", "S8", "out.wav"], b"a WAV file cannot hold S8 samples"),
        (["-c", "999"], b"--channels 999 is not between 1 and 256"),
    ],
)
def test_what_cannot_be_done(tmp_path: Path, arguments: list[str], sentence: bytes) -> None:
    """What cannot be done ends the program with a sentence, code 1 and nothing on stdout."""
    done = subprocess.run(
        [tone_program(tmp_path), *arguments], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 1
    assert sentence in done.stderr
    assert done.stdout == b""


def test_other_files_are_not_removed(tmp_path: Path) -> None:
    """Only a regular file of the same name is replaced; a device or a pipe is written to."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    child = subprocess.Popen([tone_program(tmp_path), *_SHAPE, "-s", "10", "-t", "raw", pipe])
    assert len(pipe.read_bytes()) == 40
    assert child.wait(timeout=10) == 0
    assert pipe.is_fifo()


class Card:
    """A pretended card: its plug, the ledgers of its programs, and one program at a time."""

    def __init__(self, directory: Path) -> None:
        self.plug = directory / "plug"
        self.plug.touch()
        self._ledgers = directory / "ledgers"
        self._ledgers.mkdir()
        self._program = tone_program(directory)
        self.output = directory / "out.raw"

    def start(self) -> subprocess.Popen[bytes]:
        """Start the program; it goes on until it is stopped."""
        environ = {
            **os.environ,
            "RAKKR_TONE_PLUG": str(self.plug),
            "RAKKR_TONE_LEDGER": str(self._ledgers),
        }
        argv = [str(self._program), "-D", "numbered:-20000", *_SHAPE, "-t", "raw", "-"]
        with self.output.open("ab") as file:
            return subprocess.Popen(argv, stdout=file, stderr=subprocess.PIPE, env=environ)

    def runs(self) -> list[ledger.Run]:
        """What the programs say that they wrote."""
        found = [ledger.read(path.read_bytes()) for path in self._ledgers.iterdir()]
        return sorted(run for each in found if each is not None for run in each.runs)

    def numbers(self) -> np.ndarray:
        """What is in the file."""
        return numbered.decode(self.output.read_bytes(), _S16, 2)

    def grown(self, frames: int, child: subprocess.Popen[bytes]) -> None:
        """Wait until the file has grown by this many frames."""
        goal = self.output.stat().st_size + 4 * frames
        while self.output.stat().st_size < goal:
            time.sleep(0.01)
            assert child.poll() is None


def test_a_card_runs_on_without_its_reader(tmp_path: Path) -> None:
    """Kills and stops leave holes in the numbers as long as they lasted, and ledgers that agree."""
    card = Card(tmp_path)
    child = card.start()
    card.grown(9600, child)
    began = time.monotonic()
    child.send_signal(signal.SIGSTOP)
    time.sleep(0.8)
    child.send_signal(signal.SIGCONT)
    card.grown(9600, child)
    ended = time.monotonic()
    child.kill()
    _out, said = child.communicate(timeout=10)
    lost = find_dropouts(said.decode()).milliseconds
    before, after = card.runs()
    assert abs(lost - 1000 * (after.first - before.end) / 48_000) < 0.01
    assert 800 <= lost <= 1000 * (ended - began)
    child = card.start()
    card.grown(4800, child)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=10)
    runs = card.runs()
    assert runs[2].first / 48_000 - 20_000 >= ended
    wrote = np.concatenate([np.arange(run.first, run.end) for run in runs])
    assert np.isin(wrote, card.numbers()).all()
    assert len(card.numbers()) - len(wrote) <= 2400, "more than the block of the kill is unnoted"


def test_a_card_without_its_plug(tmp_path: Path) -> None:
    """A pulled plug ends the program in arecord's words, and keeps it from starting."""
    card = Card(tmp_path)
    child = card.start()
    card.grown(4800, child)
    busy = card.start()
    assert busy.communicate(timeout=10)[1] == (
        b"rakkr-tone: audio open error: Device or resource busy\n"
    )
    card.plug.unlink()
    assert child.communicate(timeout=10)[1] == b"rakkr-tone: read error: No such device\n"
    assert child.returncode == 1
    late = card.start()
    assert late.communicate(timeout=10)[1] == b"rakkr-tone: audio open error: No such device\n"
