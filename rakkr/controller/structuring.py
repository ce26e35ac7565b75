"""From JSON objects of the wire to attrs classes, strictly, with sentences for a technician."""

from __future__ import annotations

import math
import re
import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import attrs
import cattrs
from cattrs.cols import homogenous_tuple_structure_factory
from cattrs.gen import make_dict_structure_fn, override

from rakkr.controller.errors import BadMessage

T = TypeVar("T")
_LONGEST_REASON = 500
_QUOTED = re.compile(r"^'([a-z_0-9]+)'")


def members_of(data: object, what: str) -> Mapping[str, Any]:
    """
    See that an answer, or a part of it, is an object.

    :raises BadMessage: when it is none.
    """
    if not isinstance(data, Mapping):
        raise BadMessage(f"the controller's answer cannot be read: {what} is no object")
    return data


def camel(name: str) -> str:
    """Write one of our names as it stands on the wire: ``node_id`` is ``nodeId``."""
    first, *rest = name.split("_")
    return first + "".join(each.capitalize() for each in rest)


def structure(data: object, kind: type[T], what: str) -> T:
    """
    Read an object into an attrs class.

    :param what: the object's name for the error's sentence.
    :raises BadMessage: naming the members that are missing or wrong.
    """
    members_of(data, what)
    try:
        return _converter.structure(data, kind)
    except Exception as error:  # noqa: BLE001 - cattrs raises groups of whatever went wrong
        faults = cattrs.transform_error(error, path="", format_exception=_say)
        reason = "; ".join(_place(each) for each in faults)[:_LONGEST_REASON]
        raise BadMessage(f"{what} cannot be read: {reason}") from None


def _say(error: BaseException, _kind: type | None) -> str:
    if isinstance(error, KeyError):
        return "is missing"
    if isinstance(error, ValueError | TypeError) and error.args:
        # attrs' validators quote our name of the member: 'capture_channels' must be >= 1: 0
        return _QUOTED.sub(lambda found: camel(found[1]), str(error.args[0]))
    return "is wrong"


def _place(fault: str) -> str:
    """Turn cattrs' ``fault @ .path`` into a sentence about the member's wire name."""
    sentence, _, path = fault.rpartition(" @ ")
    wire = ".".join(camel(each) for each in path.strip(".").split("."))
    own = sentence.startswith(("is ", "must "))
    return f"{wire}{' ' if own else '.'}{sentence}".strip(" .")


def _number(value: object, kind: type) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"must be a number, not {value!r:.60}")
    if not math.isfinite(value) or (kind is int and value != int(value)):
        raise ValueError(f"must be a whole number, not {value!r:.60}")
    return kind(value)  # type: ignore[no-any-return]


def _text(value: object, _kind: type) -> str:
    if not isinstance(value, str):
        raise TypeError(f"must be text, not {value!r:.60}")
    return value


def _switch(value: object, _kind: type) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"must be true or false, not {value!r:.60}")
    return value


def _word(value: object, kind: Any) -> str:
    if value not in get_args(kind):
        allowed = ", ".join(map(str, get_args(kind)))
        raise ValueError(f"must be one of {allowed}, not {value!r:.60}")
    return str(value)


def _origin(kind: Any) -> Any:
    return get_origin(kind)


def _is_optional(kind: Any) -> bool:
    return _origin(kind) in {Union, types.UnionType} and type(None) in get_args(kind)


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=True)
    converter.register_structure_hook(int, _number)
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook(str, _text)
    converter.register_structure_hook(bool, _switch)
    converter.register_structure_hook_func(lambda kind: _origin(kind) is Literal, _word)

    def optional(value: Any, kind: Any) -> Any:
        if value is None:
            return None
        (inner,) = (each for each in get_args(kind) if each is not type(None))
        return converter.structure(value, inner)

    converter.register_structure_hook_func(_is_optional, optional)

    def items(kind: Any) -> Callable[[Any, Any], Any]:
        read = homogenous_tuple_structure_factory(kind, converter)

        def structure(value: Any, kind: Any) -> Any:
            if not isinstance(value, list):  # cattrs would walk over text or an object as well
                raise TypeError(f"must be a list, not {value!r:.60}")
            return read(value, kind)

        return structure

    converter.register_structure_hook_factory(lambda kind: _origin(kind) is tuple, items)

    def message(kind: type[Any]) -> Callable[[Any, Any], Any]:
        names = {field.name: override(rename=camel(field.name)) for field in attrs.fields(kind)}
        read = make_dict_structure_fn(kind, converter, **names)  # type: ignore[arg-type]

        def structure(value: Any, kind: Any) -> Any:
            if not isinstance(value, Mapping):
                raise TypeError(f"must be an object, not {value!r:.60}")
            return read({name: each for name, each in value.items() if not _blank(each)}, kind)

        return structure

    converter.register_structure_hook_factory(attrs.has, message)
    return converter


def _blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


_converter = _make_converter()
