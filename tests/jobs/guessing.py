"""Any value of a class of ours, from the types of its members."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs
from hypothesis import strategies as st

from rakkr.audio.pcm import FORMATS
from rakkr.controller.messages import ChannelMap, ChannelMapTemplate
from rakkr.jobs.segment_records import SegmentSealed
from rakkr.render.channels import ChannelMapLike

_PLAIN = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=3)
_SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(1, 2**53),
    float: st.floats(0, allow_nan=False, allow_infinity=False),
    str: st.text(st.characters(), max_size=9),
    bool: st.booleans(),
    Path: st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=9).map(Path),
    Any: _PLAIN,
}


def anything(kind: Any) -> st.SearchStrategy[Any]:
    """A strategy for a type: attrs classes, generic and simple ones."""
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if kind is ChannelMapLike:
        return anything(ChannelMap) | anything(ChannelMapTemplate)
    if get_args(kind):
        return _generic(get_origin(kind), get_args(kind))
    hints = get_type_hints(kind)
    members = {field.name: anything(hints[field.name]) for field in attrs.fields(kind)}
    if kind is SegmentSealed:  # only formats that exist
        members["format"] = st.sampled_from(sorted(FORMATS))
    return st.builds(kind, **members)


def _generic(origin: Any, arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(anything(arguments[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(anything(str), _PLAIN, max_size=3)
    assert origin in {Union, types.UnionType}
    return st.one_of(*(st.none() if each is type(None) else anything(each) for each in arguments))
