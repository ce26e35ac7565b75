"""What is heard: alarms on levels."""

from __future__ import annotations

from typing import Final

from rakkr.health.detail import NUMBER, TEXT, WHOLE, Each, OrNull, Record, details
from rakkr.health.rows.shapes import INFO, WARNING, node_event

TITLE: Final = "Levels"

_OF_FRAME: Final = details(capturedAt=TEXT, interfaceId=TEXT, nodeId=TEXT)
_SCORE: Final = OrNull(NUMBER)
_QUALITY: Final = details(
    quality=Record(
        details(
            maxBroadbandNoiseScore=_SCORE,
            maxHumScore=_SCORE,
            maxNoiseScore=_SCORE,
            maxSpeechScore=_SCORE,
            maxStaticScore=_SCORE,
            minEstimatedSnrDb=_SCORE,
            minIntelligibilityScore=_SCORE,
        )
    )
)
_CHANNELS: Final = details(channels=Each(WHOLE))
_PEAKS: Final = details(
    channels=Each(Record(details(channelIndex=WHOLE, label=TEXT, peakDbfs=NUMBER)))
)
_FAULT: Final = details(faultScore=_SCORE)
_LOUDEST: Final = details(maxRmsDbfs=_SCORE)
_SPEECH: Final = details(maxSpeechScore=_SCORE)
_SILENT: Final = details(flatlineDbfs=NUMBER, maxRmsDbfs=NUMBER, zeroRunSeconds=NUMBER)
_STUCK: Final = details(stuckRunSeconds=NUMBER, stuckSeconds=NUMBER)
_OFFSET: Final = details(dcDbfs=NUMBER, maxDcDbfs=NUMBER)
_LOST: Final = details(dropoutCount=WHOLE, dropoutMilliseconds=NUMBER)
_LEFT_OUT: Final = details(interfaceId=TEXT, leftOutFrames=WHOLE, nodeId=TEXT)

_HELD = "When it was not so for as long as --meter-alarm-clear-seconds says."

ROWS: Final = (
    node_event(
        "meter.clipping",
        WARNING,
        {**_OF_FRAME, **_QUALITY, **_FAULT, **_PEAKS, **details(clipDbfs=NUMBER)},
        recovery="meter.clipping_recovered",
        means=(
            "Channels are so loud that they are cut off; told again for channels that were not"
            " named yet and go on clipping."
        ),
        clears=_HELD,
        do="Turn the gain down before the converter: what is cut off cannot be repaired.",
    ),
    node_event(
        "meter.clipping_recovered",
        INFO,
        {**_OF_FRAME, **_PEAKS},
        means="No channel clips any more.",
    ),
    node_event(
        "meter.flatline",
        WARNING,
        {**_OF_FRAME, **_FAULT, **_LOUDEST, **_CHANNELS, **details(flatlineDbfs=NUMBER)},
        recovery="meter.flatline_recovered",
        means="No channel of the interface carries anything at all.",
        clears=_HELD,
        do=(
            "See whether anything is plugged in, powered and routed to this interface, and whether"
            " the device that is recorded is the one that is meant."
        ),
    ),
    node_event(
        "meter.flatline_recovered",
        INFO,
        {**_OF_FRAME, **_LOUDEST, **_QUALITY, **_CHANNELS},
        means="Some channel carries a signal again.",
    ),
    node_event(
        "meter.low_signal",
        WARNING,
        {
            **_OF_FRAME,
            **_FAULT,
            **_LOUDEST,
            **_SPEECH,
            **_QUALITY,
            **_CHANNELS,
            **details(lowSignalDbfs=NUMBER),
        },
        recovery="meter.low_signal_recovered",
        means="There is a signal, but even the loudest channel is very quiet.",
        clears=_HELD,
        do="Turn the gain up, or see whether microphones are muted. In a pause it is no fault.",
    ),
    node_event(
        "meter.low_signal_recovered",
        INFO,
        {**_OF_FRAME, **_LOUDEST, **_SPEECH, **_QUALITY, **_CHANNELS},
        means="Some channel is loud enough again.",
    ),
    node_event(
        "meter.channel_correlation",
        WARNING,
        {
            **_OF_FRAME,
            **_QUALITY,
            **_FAULT,
            **_CHANNELS,
            **details(
                correlationAbsScore=NUMBER,
                pairs=Each(
                    Record(
                        details(
                            leftChannelIndex=WHOLE,
                            phase=TEXT,
                            rightChannelIndex=WHOLE,
                            score=NUMBER,
                        )
                    )
                ),
            ),
        },
        recovery="meter.channel_correlation_recovered",
        means="Two channels carry the same signal, one of them perhaps with its phase turned over.",
        clears=_HELD,
        do=(
            "See whether one source is routed to both by mistake, or whether a cable has its wires"
            " swapped. For one source that is meant for both it is no fault."
        ),
    ),
    node_event(
        "meter.channel_correlation_recovered",
        INFO,
        {**_OF_FRAME, **_CHANNELS},
        means="No two channels carry the same signal any more.",
    ),
    node_event(
        "meter.channel_silent",
        WARNING,
        {**_OF_FRAME, **_SILENT, **_CHANNELS},
        recovery="meter.channel_silent_recovered",
        means="Channels carry nothing while others of the same interface carry a signal.",
        clears=_HELD,
        do="See whether the microphones of these channels are plugged in, powered and not muted.",
    ),
    node_event(
        "meter.channel_silent_recovered",
        INFO,
        {**_OF_FRAME, **_SILENT, **_CHANNELS},
        means="These channels carry a signal again.",
    ),
    node_event(
        "meter.stuck_value",
        WARNING,
        {**_OF_FRAME, **_STUCK, **_CHANNELS},
        recovery="meter.stuck_value_recovered",
        means=(
            "Channels repeat one and the same sample, which is not zero: a converter or its clock"
            " has stopped."
        ),
        clears=_HELD,
        do="Power the interface off and on, and see to its word clock.",
    ),
    node_event(
        "meter.stuck_value_recovered",
        INFO,
        {**_OF_FRAME, **_STUCK, **_CHANNELS},
        means="These channels give samples that change again.",
    ),
    node_event(
        "meter.dc_offset",
        WARNING,
        {**_OF_FRAME, **_OFFSET, **_CHANNELS},
        recovery="meter.dc_offset_recovered",
        means="Channels are not centred on zero, which takes headroom and clicks at every cut.",
        clears=_HELD,
        do="Look for a faulty input or phantom power where none belongs; a high-pass helps.",
    ),
    node_event(
        "meter.dc_offset_recovered",
        INFO,
        {**_OF_FRAME, **_OFFSET, **_CHANNELS},
        means="These channels are centred on zero again.",
    ),
    node_event(
        "meter.dropout",
        WARNING,
        {**_OF_FRAME, **_LOST, **_CHANNELS},
        recovery="meter.dropout_recovered",
        means="The capture program reports that samples were lost.",
        clears=_HELD,
        do=(
            "See what else keeps the machine or its USB bus busy. How much a recording lost is in"
            " its own account."
        ),
    ),
    node_event(
        "meter.dropout_recovered",
        INFO,
        {**_OF_FRAME, **_LOST, **_CHANNELS},
        means="No more samples are lost; the details say how many were altogether.",
    ),
    node_event(
        "meter.behind",
        WARNING,
        _LEFT_OUT,
        recovery="meter.behind_recovered",
        means=(
            "This machine is too slow to measure everything, so levels leave something out."
            " Recordings leave out nothing."
        ),
        clears="When nothing was left out for a minute.",
        do="Give the machine less to do.",
    ),
    node_event(
        "meter.behind_recovered",
        INFO,
        _LEFT_OUT,
        means="Everything is measured again.",
    ),
)
