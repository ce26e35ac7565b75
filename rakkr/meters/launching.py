"""How the program is called that is only listened to."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Final

import attrs

from rakkr.audio.pcm import FORMATS
from rakkr.capture import template
from rakkr.capture.programs import candidates, check_numbers, launch
from rakkr.capture.request import CaptureRequest
from rakkr.capture.route import CannotLaunch, Launch

_NOWHERE: Final = Path("-")
_OF_THE_FILE: Final = frozenset({"-f", "-b"})
"""Options of jack_capture about the file, each with a value."""


def meter_launch(request: CaptureRequest) -> Launch:
    """
    Find the call whose samples come on stdout.

    A template is that of the meter: ``{output}`` is ``-`` in it, and ``{seconds}`` as long as a
    day, since the program is to go on.

    :raises CannotLaunch: when the program makes a file of its own, or the numbers make no sense.
    :raises BadTemplate: when the template cannot be followed.
    """
    check_numbers(request)
    if request.args_template is not None:
        words = template.expand(request.args_template, request.placeholders("-"), "meter")
        return Launch((candidates(request)[0], *words), "agent", request.format)
    call = launch(request, _NOWHERE)
    if PurePath(call.argv[0]).name == "jack_capture":
        return _to_stdout(call)
    if call.owner == "program":
        raise CannotLaunch(
            f"{call.argv[0]} cannot deliver samples without a file, so nothing is metered while"
            " nothing is recorded: give a meter args template"
        )
    return call


def _to_stdout(call: Launch) -> Launch:
    """Let ``jack_capture`` write to stdout, which it does in 16 bits whatever it is told."""
    words = iter(call.argv[:-1])  # the last one is the file
    argv: list[str] = []
    for word in words:
        if word in _OF_THE_FILE:
            next(words)
        else:
            argv.append(word)
    return attrs.evolve(
        call, argv=(*argv, "--write-to-stdout"), owner="agent", format=FORMATS["S16_LE"]
    )
