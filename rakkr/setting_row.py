"""
The rows of a table of settings, and how they are read.

A table is a frozen attrs class whose fields are made by :func:`setting`.  The command line beats
the environment, the environment beats the default, and only the text that wins is looked at.  An
environment variable that is empty or blank counts as not given, because environment files are
full of such lines; an empty value on the command line was typed by somebody: it means "none" where
a text may be absent, and is an error everywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from rakkr.setting import Kind, Switch, Text

_ROW: Final = "rakkr.setting"


class BadSetting(ValueError):
    """A setting that cannot be used; the message is one sentence for a technician."""


@attrs.frozen
class Setting:
    """
    One row of the table.

    :ivar name: of the field, with underscores.
    :ivar env: the environment variable, or None when there is none.
    :ivar also: further names of the flag, with hyphens.
    :ivar env_kind: how the variable is read, None when it is read as the flag is.
    """

    name: str
    group: str
    kind: Kind
    default: Any
    help: str
    env: str | None
    also: tuple[str, ...]
    env_kind: Kind | None = None

    @property
    def flags(self) -> tuple[str, ...]:
        """Every spelling of the flag, without ``--``; the first one is its name."""
        return (self.name.replace("_", "-"), *self.also)

    @property
    def flag(self) -> str:
        """The flag as it is typed."""
        return f"--{self.flags[0]}"

    @property
    def is_switch(self) -> bool:
        """Whether the flag takes no value and has a ``--no-`` form."""
        return isinstance(self.kind, Switch) and not self.kind.valued

    @property
    def is_secret(self) -> bool:
        """Whether its value may never be shown."""
        return isinstance(self.kind, Text) and self.kind.secret

    @property
    def shown_default(self) -> str:
        """The default as it would be typed; "none" when there is none, on or off for a switch."""
        if self.default is None:
            return "none"
        if isinstance(self.default, bool):
            if self.is_switch:
                return "on" if self.default else "off"
            return str(self.default).lower()
        return f"{self.default:g}" if isinstance(self.default, float) else str(self.default)

    def read_flag(self, text: str) -> Any:
        """
        Read what was typed.

        :raises BadSetting: when it is not what the kind expects.
        """
        return self._read(text, self.flag, self.kind)

    def read_variable(self, text: str) -> Any:
        """
        Read what the variable holds.

        :raises BadSetting: when it is not what the kind expects.
        """
        return self._read(text, self.env or "", self.env_kind or self.kind)

    def _read(self, text: str, source: str, kind: Kind) -> Any:
        try:
            return kind.parse(text)
        except ValueError:
            shown = "empty" if not text.strip() else ascii(text[:80])
            said = "not usable" if self.is_secret and text.strip() else shown
            raise BadSetting(f"{source} is {said}, but it must be {kind.expects}.") from None


@attrs.frozen
class _Row:
    group: str
    kind: Kind
    help: str
    env: str | None
    also: tuple[str, ...]
    env_kind: Kind | None


def setting(
    group: str,
    kind: Kind,
    default: object,
    help: str,  # noqa: A002
    *,
    env: str | None = "",
    also: tuple[str, ...] = (),
    env_kind: Kind | None = None,
) -> Any:
    """
    A field of a table of settings.

    :param env: its variable; by default ``RAKKR_`` and the name in capitals.
    :param env_kind: of that variable; by default the flag's.
    """
    secret = isinstance(kind, Text) and kind.secret
    row = _Row(group, kind, help, env, also, env_kind)
    return attrs.field(default=default, repr=not secret, metadata={_ROW: row})


def settings_of(table: type[attrs.AttrsInstance]) -> tuple[Setting, ...]:
    """The rows of a table, in the order in which they are written."""
    rows = []
    for field in attrs.fields(table):
        row: _Row = field.metadata[_ROW]
        env = f"RAKKR_{field.name.upper()}" if row.env == "" else row.env
        rows.append(
            Setting(
                field.name,
                row.group,
                row.kind,
                field.default,
                row.help,
                env,
                row.also,
                row.env_kind,
            )
        )
    return tuple(rows)


def read_settings(
    rows: tuple[Setting, ...], given: Mapping[str, str | bool | None], environ: Mapping[str, str]
) -> dict[str, Any]:
    """
    The settings that somebody gave, by name; those left to their default are absent.

    :param given: by the command line: a text, a switch's position, or None for "not given".
    :raises BadSetting: at the first value, in the order of the table, that cannot be used.
    """
    values: dict[str, Any] = {}
    for row in rows:
        typed = given.get(row.name)
        text = environ.get(row.env, "") if row.env is not None else ""
        if isinstance(typed, bool):
            values[row.name] = typed
        elif typed is not None:
            values[row.name] = row.read_flag(typed)
        elif text.strip():
            values[row.name] = row.read_variable(text)
    return values
