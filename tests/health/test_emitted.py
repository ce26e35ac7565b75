"""What the program reports, and what the catalogue has, are the same."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.catalogue import CATALOGUE
from rakkr.health.event_type import EventType

PROGRAM = Path(__file__).parents[2] / "rakkr"
ROWS = PROGRAM / "health" / "rows"
PREFIXES = ("", "agent.", "agent.meter.", "agent.node_", "agent.recording_job.")
REPORTERS = {"Edge", "Kind", "MeterEvent", "_attempt", "_emit", "_report", "emit", "partial"}
NO_TYPES = {"agent.lock"}
SHORTEST = 4  # of the pieces that a type may be put together of, or letters could make anything


@cache
def trees() -> tuple[tuple[str, ast.Module], ...]:
    """Every module of the program but the rows themselves."""
    paths = [path for path in PROGRAM.rglob("*.py") if path.parent != ROWS]
    return tuple((str(path), ast.parse(path.read_text())) for path in paths)


def words(node: ast.AST) -> Iterator[str]:
    """The texts in a piece of the program; of one that is put together, the parts."""
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def is_reporter(call: ast.Call) -> bool:
    """Whether a call may report an event."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in REPORTERS


def literal(node: ast.expr) -> str | None:
    """The text that stands there as it is, if one does."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def rows_of(word: str) -> list[EventType]:
    """The rows of a type, or of what is left of one when its beginning is taken off."""
    return [CATALOGUE[prefix + word] for prefix in PREFIXES if prefix + word in CATALOGUE]


def is_made_of(type_: str, pieces: set[str], most: int = 3) -> bool:
    """Whether a type is one of the texts, or is put together of so many."""
    if type_ in pieces:
        return True
    return most > 1 and any(
        type_.startswith(piece) and is_made_of(type_[len(piece) :], pieces, most - 1)
        for piece in pieces
        if piece
    )


class EmittedTests(SynchronousTestCase):
    """The source, read but not run."""

    def test_types_are_known(self) -> None:
        """Whatever looks like a type of ours in the program is in the catalogue."""
        for path, tree in trees():
            for word in words(tree):
                if re.fullmatch(r"agent\.[a-z_.]*[a-z]", word) and word not in NO_TYPES:
                    self.assertIn(word, CATALOGUE, path)

    def test_calls(self) -> None:
        """Every literal name and severity that is given to what reports events fits a row."""
        found = 0
        for path, tree in trees():
            for call in ast.walk(tree):
                if not isinstance(call, ast.Call) or not is_reporter(call):
                    continue
                name, severity = (*map(literal, call.args[:2]), None, None)[:2]
                if name is not None:
                    found += 1
                    rows = rows_of(name)
                    self.assertTrue(rows, f"{path}: {name}")
                    if severity in {"info", "warning", "critical"}:
                        allowed = {each for row in rows for each in row.severities}
                        self.assertIn(severity, allowed, f"{path}: {name}")
        self.assertGreater(found, 30)

    def test_rows_are_used(self) -> None:
        """Every row is of something that the program reports, or says why it does not."""
        said = {word for _, tree in trees() for word in words(tree) if len(word) >= SHORTEST}
        for type_, row in CATALOGUE.items():
            reported = is_made_of(type_, said.union(PREFIXES))
            self.assertEqual(reported, row.not_emitted is None, type_)
