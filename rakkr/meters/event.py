"""What the meters report, before anybody sends it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from rakkr.health.event import Severity


@attrs.frozen
class MeterEvent:
    """
    An event of the catalogue (health-events.md section 3.2).

    :ivar type: begins with ``agent.meter.``.
    """

    type: str
    severity: Severity
    details: Mapping[str, Any]
