"""How the program is called that is only listened to."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rakkr.capture import template
from rakkr.capture.programs import candidates, launch
from rakkr.capture.request import CaptureRequest
from rakkr.capture.route import CannotLaunch, Launch

_NOWHERE: Final = Path("-")


def meter_launch(request: CaptureRequest) -> Launch:
    """
    Find the call whose headerless samples come on stdout.

    A template is that of the meter: ``{output}`` is ``-`` in it, and ``{seconds}`` as long as a
    day, since the program is to go on.

    :raises CannotLaunch: when the program makes a file of its own.
    :raises BadTemplate: when the template cannot be followed.
    """
    if request.args_template is not None:
        values = {
            "device": request.device,
            "format": request.format.name,
            "sample_rate": str(request.rate),
            "channels": str(request.channels),
            "seconds": str(request.seconds),
            "output": "-",
            "output_path": "-",
        }
        words = template.expand(request.args_template, values)
        return Launch((candidates(request)[0], *words), "agent", request.format)
    call = launch(request, _NOWHERE)
    if call.owner == "program":
        raise CannotLaunch(
            f"{call.argv[0]} cannot deliver samples without a file, so nothing is metered while"
            " nothing is recorded: give a meter args template"
        )
    return call
