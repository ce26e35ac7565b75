"""What another agent needs to find a capture again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.capture.dropouts import Dropouts
from rakkr.capture.trace import BadTrace, Trace
from rakkr.process_identity import ProcessIdentity

_TRACE = Trace(
    path=Path("/d/take.raw.wav"),
    messages=Path("/d/take.stderr.log"),
    leash=Path("/d/take.leash"),
    exit=Path("/d/take.exit"),
    owner="agent",
    format="S16_LE",
    rate=48000,
    channels=2,
    argv=("arecord", "-t", "raw", "-"),
    device="hw:0",
    ends_itself=False,
    planned=480000,
    wanted=480000,
    boot_id="c39645cf",
    identity=ProcessIdentity(77, 1234, "c39645cf"),
    spawned_at=5.0,
    started_at=5.25,
    messages_at=99,
    dropouts=Dropouts(2, 12.5),
)
_ANYTHING: st.SearchStrategy[object] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.just([])
)


def through_json(trace: Trace) -> Trace:
    """Write it down and read it."""
    plain: dict[str, Any] = json.loads(json.dumps(trace.as_json()))
    return Trace.from_json(plain)


class TraceTests(SynchronousTestCase):
    def test_there_and_back(self) -> None:
        """What is written down is what is read, with all that may be missing, too."""
        self.assertEqual(through_json(_TRACE), _TRACE)
        early = attrs.evolve(
            _TRACE, identity=None, started_at=None, wanted=None, dropouts=Dropouts(), messages_at=0
        )
        self.assertEqual(through_json(early), early)

    def test_names_that_are_no_text(self) -> None:
        """Names of files in any coding survive."""
        odd = attrs.evolve(_TRACE, path=Path("/d/\udcff.wav"), argv=("/d/\udcff",))
        self.assertEqual(through_json(odd), odd)

    def test_of_another_version(self) -> None:
        """Fields that are not known are left alone, and newer ones may be missing."""
        plain = {**_TRACE.as_json(), "colour": "blue"}
        del plain["messages_at"], plain["dropouts"]
        expected = attrs.evolve(_TRACE, messages_at=0, dropouts=Dropouts())
        self.assertEqual(Trace.from_json(plain), expected)

    def test_what_is_missing(self) -> None:
        """Without what is needed there is a sentence that names it."""
        for name in ("path", "owner", "format", "argv", "identity", "spawned_at", "boot_id"):
            plain = _TRACE.as_json()
            del plain[name]
            with self.assertRaisesRegex(BadTrace, name):
                Trace.from_json(plain)

    def test_nonsense(self) -> None:
        """Values that make no sense are refused: nobody is to be killed because of them."""
        for name, value in (
            ("owner", "somebody"),
            ("format", "S99"),
            ("rate", 0),
            ("channels", -1),
            ("argv", []),
            ("argv", "arecord"),
            ("spawned_at", float("nan")),
            ("identity", {"pid": 0, "start_ticks": 1, "boot_id": "x"}),
            ("identity", {"pid": True, "start_ticks": 1, "boot_id": "x"}),
            ("identity", {"pid": 7, "boot_id": "x"}),
            ("path", None),
        ):
            with self.assertRaises(BadTrace, msg=name):
                Trace.from_json({**_TRACE.as_json(), name: value})

    @given(st.sampled_from(sorted(_TRACE.as_json())), _ANYTHING)
    def test_anything(self, name: str, value: object) -> None:
        """Whatever stands there is understood or refused."""
        try:
            found = Trace.from_json({**_TRACE.as_json(), name: value})
        except BadTrace as error:
            self.assertTrue(str(error))
        else:
            self.assertEqual(through_json(found), found)
