"""Starting the program of a capture."""

from __future__ import annotations

import os
from typing import Final

from twisted.logger import Logger

from rakkr.capture.prepare import Prepared
from rakkr.capture.seal import write_leash
from rakkr.capture.session import OwnSession, in_own_session
from rakkr.capture.surroundings import Surroundings
from rakkr.ladder import Ladder
from rakkr.process import Child, spawn

_GIVE_UP_SECONDS: Final = 5.0

log = Logger()


def ladder(grace: float) -> Ladder:
    """Say how a capture program is ended: asked by INT, which all of them take as a stop."""
    return Ladder("INT", grace, _GIVE_UP_SECONDS)


def start_program(
    files: Prepared, world: Surroundings, *, grace: float, leash: float | None
) -> Child:
    """
    Call the program, in a session of its own, with its output in our files.

    :param grace: from INT to KILL, in seconds.
    :param leash: until when it may run without us; needs a shim.
    """
    if leash is not None:
        try:
            write_leash(files.leash, leash)
        except OSError as error:  # the shim then takes a long one
            log.warn("{path} cannot be written: {error}", path=files.leash, error=str(error))
    shim = (*world.shim, str(files.leash), str(files.exit))
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - devnull is no Path
        return spawn(
            OwnSession(world.spawner, shim)
            if world.shim
            else in_own_session(world.spawner, world.env),
            world.clock,
            files.launch.argv,
            env={**world.env, **files.launch.env, "LC_ALL": "C"},
            ladder=ladder(grace),
            child_fds={0: nothing.fileno(), 1: files.stdout, 2: files.messages.descriptor},
        )
