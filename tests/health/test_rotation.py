"""Tests for ``rakkr.health.rotation``."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.rotation import Step, doomed, in_order, kept_aside, plan

SUFFIXES = st.sets(
    st.one_of(
        st.integers(1, 6).map(lambda age: f".{age}"),
        st.integers(1, 4).map(lambda number: f".undelivered.{number}"),
    )
)


class RotationTests(SynchronousTestCase):
    """Which files go where."""

    def test_contract(self) -> None:
        """The oldest is deleted, the others move on by one, the active file becomes number 1."""
        self.assertEqual(
            plan(["", ".1", ".2", ".3"], 3, {".3"}),
            [Step(".3", None), Step(".2", ".3"), Step(".1", ".2"), Step("", ".1")],
        )

    def test_fewer(self) -> None:
        """As long as there is room, nothing is deleted."""
        self.assertEqual(plan(["", ".1"], 3, ()), [Step(".1", ".2"), Step("", ".1")])

    def test_none_retained(self) -> None:
        """With nothing retained the active file is deleted, or kept for delivery."""
        self.assertEqual(plan([""], 0, {""}), [Step("", None)])
        self.assertEqual(plan([""], 0, ()), [Step("", ".undelivered.1")])

    def test_undelivered(self) -> None:
        """What would be deleted undelivered gets the next number behind those that are kept."""
        self.assertEqual(
            plan(["", ".1", ".undelivered.7"], 1, ()),
            [Step(".1", ".undelivered.8"), Step("", ".1")],
        )

    def test_fewer_retained_than_before(self) -> None:
        """After the setting was lowered, the surplus goes, too, the oldest first."""
        self.assertEqual(doomed(["", ".1", ".2", ".3"], 1), [".3", ".2", ".1"])

    def test_hole(self) -> None:
        """A hole that a crash left is filled before anything is deleted."""
        self.assertEqual(plan(["", ".1", ".3"], 3, ()), [Step(".1", ".2"), Step("", ".1")])
        self.assertEqual(plan(["", ".2", ".3"], 3, ()), [Step("", ".1")])

    def test_order(self) -> None:
        """The oldest is what was kept aside first; other people's files are not the log's."""
        suffixes = ["", ".1", ".10", ".2", ".undelivered.2", ".undelivered.10", ".cursor"]
        strange = [".20261129", ".01", ".0", ".1.gz", ".undelivered.", ".lock", ".refused.jsonl.1"]
        self.assertEqual(
            in_order([*suffixes, *strange]),
            [".undelivered.2", ".undelivered.10", ".10", ".2", ".1", ""],
        )
        self.assertEqual(kept_aside(suffixes), [".undelivered.2", ".undelivered.10"])

    @given(SUFFIXES, st.integers(0, 4), st.integers(0, 10), st.booleans())
    def test_order_is_kept(
        self, suffixes: set[str], retained: int, done: int, delivered: bool
    ) -> None:
        """Wherever a crash ends it, the files left are in the order of their age."""
        names = {suffix: index for index, suffix in enumerate(in_order({*suffixes, ""}))}
        going = set(doomed(list(names), retained))
        for step in plan(list(names), retained, going if delivered else ())[:done]:
            age = names.pop(step.name)
            if step.new_name is None:
                self.assertIn(step.name, going)
                self.assertTrue(delivered)
            else:
                self.assertNotIn(step.new_name, names)
                names[step.new_name] = age
        left = [names[suffix] for suffix in in_order(list(names))]
        self.assertEqual(left, sorted(left))

    @given(SUFFIXES, st.integers(0, 4))
    def test_bounded(self, suffixes: set[str], retained: int) -> None:
        """Afterwards there is no active file, and no more than so many rotated ones."""
        names = {*suffixes, ""}
        for step in plan(list(names), retained, doomed(list(names), retained)):
            names.discard(step.name)
            names |= set() if step.new_name is None else {step.new_name}
        self.assertNotIn("", names)
        self.assertLessEqual(len(in_order(names)) - len(kept_aside(names)), retained)
