"""Makes ``twistd rakkr-recorder`` known to Twisted."""

from twisted.application.service import ServiceMaker

rakkr_recorder = ServiceMaker(
    "rakkr-recorder",
    "rakkr.tap",
    "Records, meters and delivers audio for a Rakkr controller.",
    "rakkr-recorder",
)
