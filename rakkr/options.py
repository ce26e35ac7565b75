"""
The flags as ``twistd`` and ``rakkr-recorder-agent`` read them, made from the table of settings.

Parsing is ``twisted.python.usage``; what is added is strictness.  A flag must be written in full,
because an abbreviation in a unit file would change its meaning, or lose it, with the next flag
that is added; and a flag is never taken for the forgotten value of the flag before it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, ClassVar

from twisted.python import usage

from rakkr.audio.pcm import FORMATS, UnknownFormat, sample_format
from rakkr.setting_row import BadSetting, Setting
from rakkr.settings import SETTINGS, Resolved, Settings, resolve
from rakkr.settings_document import flags_as_text
from rakkr.version import VERSION

PROGRAM = "rakkr-recorder-agent"


class Options(usage.Options):
    """
    The command line and the environment, settled.

    :param environ: the environment that settings are taken from.
    :ivar resolved: the settings; there once ``parseOptions`` has returned.
    """

    longdesc: ClassVar[str] = ""
    resolved: Resolved

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.given: dict[str, str | bool | None] = {}
        super().__init__()

    def parseOptions(self, options: Sequence[str] | None = None) -> None:  # noqa: N802
        """
        Read the arguments, and settle every setting.

        :raises usage.UsageError: one sentence about the first thing that cannot be used.
        :raises SystemExit: after ``--help`` or ``--version``, with code 0.
        """
        arguments = list(sys.argv[1:] if options is None else options)
        if "--_shell-completion" not in arguments[-2:-1]:
            self._be_strict(arguments)
        super().parseOptions(arguments)

    def parseArgs(self, *positionals: str) -> None:  # noqa: N802
        """Nothing may follow the flags."""
        if positionals:
            raise usage.UsageError(
                f"{positionals[0]!a} is not a flag, and this program takes nothing else."
            )

    def postOptions(self) -> None:  # noqa: N802
        """Settle the settings; cross-field errors surface here."""
        try:
            self.resolved = resolve(self.given, self._environ)
            self._refuse_unknown_format(self.resolved.settings)
        except BadSetting as error:
            raise usage.UsageError(str(error)) from error

    def _refuse_unknown_format(self, settings: Settings) -> None:
        """A template may be for a program that calls its formats otherwise."""
        if settings.capture_args_template is not None:
            return
        try:
            sample_format(settings.capture_format)
        except UnknownFormat:
            typed = self.given.get("capture_format") is not None
            source = "--capture-format" if typed else "RAKKR_CAPTURE_FORMAT"
            raise BadSetting(
                f"{source} is {settings.capture_format[:80]!a}, but it must be one of"
                f" {', '.join(FORMATS)}."
            ) from None

    def opt_help(self) -> None:
        """Show every flag, and end."""
        sys.stdout.write(f"{self}\n")
        raise SystemExit(0)

    def opt_version(self) -> None:
        """Show the version, and end."""
        sys.stdout.write(f"{PROGRAM} {VERSION}\n")
        raise SystemExit(0)

    opt_h = opt_help
    opt_V = opt_version  # noqa: N815

    def getSynopsis(self) -> str:  # noqa: N802
        """One line: how the program is called."""
        if self.parent is None:
            return f"Usage: {PROGRAM} [flags]"
        return f"{self.parent.getSynopsis()} {self.parent.subCommand} [flags]"

    def getUsage(self, width: int | None = None) -> str:  # noqa: N802
        """Every flag in its group, with its default, range and variable."""
        return flags_as_text(width or 80)

    def _be_strict(self, arguments: Sequence[str]) -> None:
        """Refuse what getopt would guess at."""
        rest = list(arguments)
        while rest and rest[0].startswith("-") and rest[0] not in ("-", "--"):
            argument = rest.pop(0)
            flag, equals, _ = argument.partition("=")
            if f"{flag[2:]}=" in self.longOpt and not equals:
                self._refuse_missing_value(flag, rest)
                rest.pop(0)
            elif equals and flag[2:] in self.longOpt:
                raise usage.UsageError(f"{flag} takes no value.")
            elif flag not in self._known():
                near = get_close_matches(flag, self._known(), n=1)
                hint = f"; did you mean {near[0]}?" if near else "."
                raise usage.UsageError(f"{flag} is not a flag of this program{hint}")

    def _refuse_missing_value(self, flag: str, rest: Sequence[str]) -> None:
        if not rest:
            raise usage.UsageError(f"{flag} needs a value.")
        if rest[0] in self._known():
            raise usage.UsageError(
                f"{flag} needs a value, but the flag {rest[0]} follows;"
                f" write {flag}={rest[0]} if that is the value."
            )

    def _known(self) -> list[str]:
        return ["-h", "-V", *(f"--{name.removesuffix('=')}" for name in self.longOpt)]


def _sets(name: str, value: bool) -> Callable[[Options], None]:
    def handler(self: Options) -> None:
        self.given[name] = value

    return handler


def _takes(name: str) -> Callable[[Options, str], None]:
    def handler(self: Options, value: str) -> None:
        self.given[name] = value

    return handler


def _handlers(row: Setting) -> dict[str, Callable[..., Any]]:
    """The methods through which ``usage.Options`` learns the flags of one setting."""
    if not row.is_switch:
        takes = _takes(row.name)
        return dict.fromkeys(row.flags, takes)
    on, off = _sets(row.name, value=True), _sets(row.name, value=False)
    return dict.fromkeys(row.flags, on) | {f"no_{flag}": off for flag in row.flags}


for _row in SETTINGS:
    for _name, _handler in _handlers(_row).items():
        _handler.__doc__ = _row.help
        setattr(Options, f"opt_{_name.replace('-', '_')}", _handler)
