"""What real programs printed of themselves, by Debian release; ``sid`` is the newest version."""

from __future__ import annotations

from pathlib import Path

from rakkr.capture.abilities import Abilities, read_abilities

_HERE = Path(__file__).parent


def recorded(name: str) -> str:
    """Read a recorded text."""
    return (_HERE / name).read_text()


def abilities_of(name: str) -> Abilities:
    """Read what a recorded program can do, for example of ``pw-record-sid``."""
    return read_abilities(recorded(f"{name}.help"), recorded(f"{name}.version"))
