"""Events as the catalogue has them, made up."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from rakkr.health.detail import NUMBER, SWITCH, TEXT, WHOLE, Each, Kind, OneOf, OrNull, Record
from rakkr.health.event_type import EventType

_PLAIN = {
    TEXT: st.text(),
    WHOLE: st.integers(),
    NUMBER: st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    SWITCH: st.booleans(),
}


def values(kind: Kind) -> st.SearchStrategy[Any]:
    """Whatever a kind allows."""
    match kind:
        case OneOf():
            return st.sampled_from(kind.values)
        case OrNull():
            return st.none() | values(kind.of)
        case Each():
            return st.lists(values(kind.of), max_size=3)
        case Record():
            always = {name: values(each) for name, each in kind.always.items()}
            sometimes = {name: values(each) for name, each in kind.sometimes.items()}
            return st.fixed_dictionaries(always, optional=sometimes)
    return _PLAIN[kind]  # type: ignore[index]


def events(row: EventType) -> st.SearchStrategy[tuple[str, str, dict[str, Any], str | None]]:
    """Events of a type: type, severity, details, recording."""
    recording = {"always": st.text(), "never": st.none(), "where known": st.none() | st.text()}
    return st.tuples(
        st.just(row.type),
        st.sampled_from(row.severities),
        values(row.details),
        recording[row.recording],
    )
