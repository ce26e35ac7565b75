"""
The table of settings for people: ``--help``, and the page ``docs/settings.md``.

``python -m rakkr.settings_document > docs/settings.md`` writes the page anew.
"""

from __future__ import annotations

import sys
import textwrap
from itertools import groupby

from rakkr.setting import Decimal, LogLevel, Switch, Whole
from rakkr.setting_channels import Channels
from rakkr.setting_row import Setting
from rakkr.settings import SETTINGS

_INTRODUCTION = """\
# Settings

`python -m rakkr.settings_document` makes this page from the table in `rakkr/settings.py`;
`rakkr-recorder-agent --help` shows the same.

A setting can be given as a flag or as an environment variable. The flag beats the variable, and
the variable beats the default; a value that is beaten is not even looked at.

* The token and the token's file are one setting: either flag beats the variables of both.
* Flags are written in full. A value follows its flag as the next argument or after `=`, and may
  begin with a hyphen: `--meter-clip-dbfs -3`. When a flag is repeated, the last one counts.
* A switch takes no value: `--solo` turns it on and `--no-solo` turns it off. Its variable takes
  `1`, `true`, `yes` or `on`, and `0`, `false`, `no` or `off`, in upper or lower case.
* A variable that is empty counts as not given. An empty value on the command line means "none"
  where the default is none and the value is a text or a path (`--controller-token-file ""`), and
  is an error everywhere else.
* A value that cannot be used ends the program with exit code 2 and one sentence that names the
  setting, the value and what is allowed.
* Paths are relative to the working directory unless they begin with `/`.
* The token is better kept in a file (`--controller-token-file`) than in a flag, which everybody
  on the machine can read in the list of processes.
"""


_PREFACE = """
A flag beats its environment variable, which stands in capitals, and that
beats the default.  --[no-]NAME is a switch: its variable takes 1, 0, true,
false, yes or no.
"""


def _spellings(row: Setting) -> list[str]:
    """How the flag can be typed, each spelling with what stands for its value."""
    if row.is_switch:
        return [f"--[no-]{flag}" for flag in row.flags]
    return [f"--{flag} {row.kind.placeholder}" for flag in row.flags]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _line(row: Setting) -> str:
    flags = "<br>".join(f"`{_cell(spelling)}`" for spelling in _spellings(row))
    variable = f"`{row.env}`" if row.env is not None else "none"
    value = "on or off" if isinstance(row.kind, Switch) else row.kind.expects
    cells = (flags, variable, _cell(value), f"`{row.shown_default}`", _cell(row.help))
    return f"| {' | '.join(cells)} |"


def document() -> str:
    """The page ``docs/settings.md``."""
    parts = [_INTRODUCTION]
    for group, rows in groupby(SETTINGS, lambda row: row.group):
        table = ["| Flag | Variable | Value | Default | Meaning |", "|---|---|---|---|---|"]
        table += [_line(row) for row in rows]
        parts.append(f"## {group}\n\n" + "\n".join(table) + "\n")
    return "\n".join(parts)


def _entry(row: Setting, width: int) -> str:
    explained = isinstance(row.kind, Whole | Decimal | LogLevel | Channels)
    facts = [row.kind.expects] if explained else []
    facts += [f"default {row.shown_default}"]
    facts += [row.env] if row.env is not None else []
    indent = " " * 6
    body = textwrap.fill(
        f"{row.help} [{'; '.join(facts)}]",
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )
    return f"  {', '.join(_spellings(row))}\n{body}\n"


def flags_as_text(width: int) -> str:
    """
    Every flag for a terminal.

    :param width: of the terminal, in letters.
    """
    parts = [
        _PREFACE,
        "  -h, --help\n      show this and end\n",
        "  -V, --version\n      show the version and end\n",
    ]
    for group, rows in groupby(SETTINGS, lambda row: row.group):
        parts.append(f"{group}:\n")
        parts += [_entry(row, width) for row in rows]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(document())
