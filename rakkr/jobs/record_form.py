"""Records as plain JSON objects, and back: what an older or a newer agent wrote is no error."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

import attrs
import cattrs

from rakkr.controller.messages import ChannelMap, ChannelMapTemplate
from rakkr.jobs.records import Record, Unknown
from rakkr.render.channels import ChannelMapLike

_KIND: Final = "kind"
_WORDS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_MAPS: Final[dict[str, type[Any]]] = {"map": ChannelMap, "template": ChannelMapTemplate}


class NoRecord(ValueError):
    """A line of a journal that is no JSON object with a kind."""


def kind_of(record: type[Any]) -> str:
    """The name of a class of records in a journal: ``SegmentSealed`` is ``segment_sealed``."""
    return _WORDS.sub("_", record.__name__).lower()


_KINDS: Final = {kind_of(each): each for each in get_args(Record) if each is not Unknown}


def to_plain(record: Record) -> dict[str, Any]:
    """Turn a record into what JSON can say; its kind comes first."""
    if isinstance(record, Unknown):
        return {_KIND: record.kind, **record.data}
    return {_KIND: kind_of(type(record)), **_converter.unstructure(record)}


def from_plain(plain: Mapping[str, Any]) -> Record:
    """
    Read a record.

    Members that nobody knows are ignored, and absent ones have their defaults.  A kind that nobody
    knows, or one whose members are not what they should be, becomes :class:`Unknown`.

    :raises NoRecord: when there is no kind at all.
    """
    kind = plain.get(_KIND)
    if not isinstance(kind, str):
        raise NoRecord("a record of a journal has no kind")
    known = _KINDS.get(kind)
    if known is not None:
        try:
            return _converter.structure(plain, known)  # type: ignore[no-any-return]
        except Exception:  # noqa: BLE001, S110 - cattrs raises whatever went wrong; kept as it is
            pass
    return Unknown(kind, {name: value for name, value in plain.items() if name != _KIND})


def encode_record(record: Record) -> bytes:
    """Write a record as one line of ASCII, without its line end."""
    return json.dumps(to_plain(record), separators=(",", ":")).encode("ascii")


def decode_record(text: bytes) -> Record:
    """
    Read what :func:`encode_record` wrote.

    :raises NoRecord: when it is something else.
    """
    try:
        plain = json.loads(text)
    except ValueError as error:
        raise NoRecord(f"a record of a journal cannot be read: {error}") from error
    if not isinstance(plain, dict):
        raise NoRecord("a record of a journal is no object")
    return from_plain(plain)


def _exactly(value: object, kind: type) -> Any:
    """Take a value of the right type only: ``str(None)`` would make a job called None."""
    allowed = (int, float) if kind is float else (kind,)
    if not isinstance(value, allowed) or (kind is not bool and isinstance(value, bool)):
        raise TypeError(f"{value!r:.60} is no {kind.__name__}")
    return kind(value)


def _plain_map(channel_map: object) -> dict[str, Any]:
    (form,) = (name for name, kind in _MAPS.items() if isinstance(channel_map, kind))
    return {"form": form, **_converter.unstructure(channel_map, unstructure_as=_MAPS[form])}


def _mapped(plain: Any, _kind: Any) -> Any:
    return _converter.structure(plain, _MAPS[plain["form"]])


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=False)
    for kind in (int, float, str, bool):
        converter.register_structure_hook(kind, _exactly)
    converter.register_structure_hook(Path, lambda value, _: Path(_exactly(value, str)))
    converter.register_unstructure_hook(Path, str)
    converter.register_structure_hook_func(lambda kind: kind is ChannelMapLike, _mapped)
    converter.register_unstructure_hook_func(lambda kind: kind is ChannelMapLike, _plain_map)

    def read(kind: type[Any]) -> Any:
        structure = cattrs.gen.make_dict_structure_fn(kind, converter)

        def checked(value: Any, kind: Any) -> Any:
            if not isinstance(value, Mapping):  # cattrs would take text for an object without names
                raise TypeError(f"{value!r:.60} is no object")
            return structure(value, kind)

        return checked

    converter.register_structure_hook_factory(attrs.has, read)
    return converter


_converter = _make_converter()
