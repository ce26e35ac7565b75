"""The laws of the house that no linter knows."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parent.parent
FLOORS = {
    "audio": 0,
    "settings": 0,
    "stamps": 0,
    "version": 0,
    "wording": 0,
    "clock": 1,
    "process_identity": 1,
    "ladder": 1,
    "adopted_process": 1,
    "data_lock": 1,
    "durable": 1,
    "holes": 1,
    "moment": 1,
    "options": 1,
    "periodic": 1,
    "process": 1,
    "repair": 1,
    "root": 1,
    "threads": 1,
    "controller": 2,
    "inventory": 2,
    "capture": 3,
    "disk": 3,
    "health": 3,
    "live": 3,
    "render": 3,
    "tone": 3,
    "cache": 4,
    "heartbeat": 4,
    "jobs": 4,
    "meters": 4,
    "system": 4,
    "agent": 5,
    "cli": 5,
    "complaints": 5,
    "describer": 5,
    "machine": 5,
    "modes": 5,
    "meter_once": 5,
    "sweep_once": 5,
    "metering": 5,
    "reporting": 5,
    "workshop": 5,
    "demo": 5,
    "rig": 5,
    "simulated_card": 4,
    "solo": 5,
    "tap": 5,
}
# Modules that are one room without a folder.
ONE_ROOM = {
    "inventory_sync": "heartbeat",
    "setting": "settings",
    "setting_channels": "settings",
    "setting_row": "settings",
    "settings_document": "settings",
}
# The small mechanisms build on one another, and so do those that compose.
WITHIN = {1, 5}
LONGEST = 300
# Tables: what makes them long is data, one row after another.
TABLES = {"rakkr/settings.py"}


def modules() -> Iterator[Path]:
    """Every module of the program."""
    return (ROOT / "rakkr").rglob("*.py")


def room_of(path: Path) -> str:
    """The room or the single module that a file belongs to."""
    name = path.relative_to(ROOT / "rakkr").parts[0].removesuffix(".py")
    return ONE_ROOM.get(name, name)


def imported(path: Path) -> Iterator[str]:
    """The rooms of ours that a module imports, wherever the import stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "rakkr":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rakkr."):
            yield (node.module or "").split(".")[1]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("rakkr."):
                    yield alias.name.split(".")[1]


class HouseTests(SynchronousTestCase):
    """Order among the rooms."""

    def test_floors(self) -> None:
        """A room imports only from floors below it, or from itself."""
        for path in modules():
            room = room_of(path)
            if room == "__init__":
                continue
            for other in (ONE_ROOM.get(name, name) for name in imported(path)):
                self.assertTrue(
                    other == room
                    or FLOORS[other] < FLOORS[room]
                    or (FLOORS[other] == FLOORS[room] and FLOORS[room] in WITHIN),
                    f"{path.relative_to(ROOT)} is on floor {FLOORS[room]} and imports {other}",
                )

    def test_pure_list(self) -> None:
        """Every module that is listed as pure exists: a typing error would check nothing."""
        listed = tomllib.loads((ROOT / "ruff-pure.toml").read_text())["include"]
        names = [str(path.relative_to(ROOT)) for path in modules()]
        for pattern in listed:
            self.assertTrue(any(fnmatch(name, pattern) for name in names), pattern)

    def test_small_rooms(self) -> None:
        """A module stays small enough to be read at once."""
        for path in modules():
            name = str(path.relative_to(ROOT))
            if name not in TABLES:
                self.assertLessEqual(len(path.read_text().splitlines()), LONGEST, name)

    def test_promises(self) -> None:
        """Every test says what it promises."""
        for path in (ROOT / "tests").rglob("test_*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                is_test = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                if is_test and node.name.startswith("test_"):  # type: ignore[attr-defined]
                    self.assertTrue(
                        ast.get_docstring(node),  # type: ignore[arg-type]
                        f"{path.relative_to(ROOT)}: {node.name}",  # type: ignore[attr-defined]
                    )

    def test_names(self) -> None:
        """No module is named for nothing."""
        for path in modules():
            self.assertNotIn(path.stem, {"util", "utils", "common", "misc", "helpers", "manager"})
