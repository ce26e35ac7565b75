"""The kinds of values that a setting can have, and how each is read from text."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final, Protocol

import attrs

WORDS: Final = {
    "1": True, "true": True, "yes": True, "on": True,
    "0": False, "false": False, "no": False, "off": False,
}  # fmt: skip
"""What a switch understands where it takes a word; upper and lower case are the same."""

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,20}")
_DECIMAL: Final = re.compile(
    r"[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,3})?"
)

_TARGET: Final = re.compile(r"\S+")


def _in(unit: str) -> str:
    return f" ({unit})" if unit else ""


class Kind(Protocol):
    """How the text of a setting becomes its value."""

    @property
    def placeholder(self) -> str:
        """Stands for the value after the flag in the help; empty when the flag takes none."""

    @property
    def expects(self) -> str:
        """Completes "must be ..."."""

    def parse(self, text: str) -> object:
        """
        Read a value.

        :raises ValueError: when the text is not what the kind expects.
        """


@attrs.frozen
class Text:
    """
    Any text without control characters.

    :ivar optional: whether there may be none; an empty text then reads as None.
    :ivar secret: whether it may never be shown, in a message or elsewhere.  A secret is sent in a
        header, so it must be visible ASCII.
    """

    optional: bool = False
    secret: bool = False
    placeholder: str = "TEXT"

    @property
    def expects(self) -> str:
        """Completes "must be ..."."""
        return "visible ASCII characters without blanks" if self.secret else "one line of text"

    def parse(self, text: str) -> str | None:
        """The text itself; blanks around a secret are dropped."""
        if self.secret:
            text = text.strip()
        if not text.strip():
            if self.optional:
                return None
            raise ValueError(text)
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):  # noqa: PLR2004
            raise ValueError(text)
        if self.secret and not all("!" <= letter <= "~" for letter in text):
            raise ValueError(text)
        return text


@attrs.frozen
class Arguments:
    """
    Arguments of a program in one line, or none; they are split later, as a shell would.

    What is neither blank nor has an open quote has at least one word.
    """

    placeholder: str = "TEXT"
    expects: str = "one line of text in which every quote is closed"

    def parse(self, text: str) -> str | None:
        """The line as it was written."""
        line = Text(optional=True).parse(text)
        if line is not None:
            shlex.split(line)  # an open quote is a ValueError
        return line


@attrs.frozen
class PathName:
    """A path, relative to the working directory unless it begins with a slash."""

    optional: bool = False
    placeholder: str = "PATH"
    expects: str = "a path"

    def parse(self, text: str) -> Path | None:
        """The path as it was written: nothing is expanded or looked up."""
        if not text.strip():
            if self.optional:
                return None
            raise ValueError(text)
        if "\0" in text:
            raise ValueError(text)
        return Path(text)


@attrs.frozen
class Whole:
    """A whole number from ``low`` to ``high``, both allowed."""

    low: int
    high: int
    unit: str = ""
    placeholder: str = "N"

    @property
    def expects(self) -> str:
        """Completes "must be ..."."""
        return f"a whole number from {self.low} to {self.high}{_in(self.unit)}"

    def parse(self, text: str) -> int:
        """Decimal digits with an optional sign."""
        if not _WHOLE.fullmatch(text.strip()):
            raise ValueError(text)
        value = int(text)
        if not self.low <= value <= self.high:
            raise ValueError(text)
        return value


@attrs.frozen
class Decimal:
    """A number from ``low`` to ``high``, both allowed; never infinite, never NaN."""

    low: float
    high: float
    unit: str = ""
    placeholder: str = "N"

    @property
    def expects(self) -> str:
        """Completes "must be ..."."""
        return f"a number from {self.low:g} to {self.high:g}{_in(self.unit)}"

    def parse(self, text: str) -> float:
        """Digits with an optional sign, point and exponent."""
        if not _DECIMAL.fullmatch(text.strip()):
            raise ValueError(text)
        value = float(text)
        if not self.low <= value <= self.high:
            raise ValueError(text)
        return value


@attrs.frozen
class OneOf:
    """One of a few words, in upper or lower case."""

    choices: tuple[str, ...]

    @property
    def placeholder(self) -> str:
        """The words themselves."""
        return "|".join(self.choices)

    @property
    def expects(self) -> str:
        """Completes "must be ..."."""
        return f"one of {', '.join(self.choices)}"

    def parse(self, text: str) -> str:
        """The word in lower case."""
        word = text.strip().lower()
        if word not in self.choices:
            raise ValueError(text)
        return word


@attrs.frozen
class LogLevel:
    """
    How much is logged.

    The variable that it is read from may hold the directives of the reference agent
    (``warn,rakkr=debug``): the bare level in it counts, or else its most talkative one.

    :ivar targets: whether a bare word that is no level is taken for a target, as the reference
        agent does; it counts as info for that target.
    """

    targets: bool = False
    placeholder: str = "error|warn|info|debug"
    expects: str = "one of error, warn, info, debug, or directives such as info,rakkr=debug"

    def parse(self, text: str) -> str:
        """One of error, warn, info, debug; trace is debug here, and off is error."""
        order = ("error", "warn", "info", "debug")
        bare: list[str] = []
        targeted: list[str] = []
        for directive in text.lower().split(","):
            target, equals, level = directive.rpartition("=")
            level = {"trace": "debug", "off": "error"}.get(level.strip(), level.strip())
            if self.targets and not equals and _TARGET.fullmatch(level) and level not in order:
                targeted.append("info")
            elif level not in order or (equals and not target.strip()):
                raise ValueError(text)
            else:
                (targeted if equals else bare).append(level)
        return max(bare or targeted, key=order.index)


@attrs.frozen
class Switch:
    """
    On or off.

    :ivar valued: whether the flag takes the word itself instead of having a ``--no-`` form.
    """

    valued: bool = False
    expects: str = "one of 1, 0, true, false, yes, no, on, off"

    @property
    def placeholder(self) -> str:
        """Nothing, or the two words that a valued switch is written with."""
        return "true|false" if self.valued else ""

    def parse(self, text: str) -> bool:
        """What the word means."""
        try:
            return WORDS[text.strip().lower()]
        except KeyError:
            raise ValueError(text) from None
