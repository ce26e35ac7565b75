"""
The one table of settings: every flag, its environment variable, its range, default and help.

``docs/settings.md`` and ``--help`` are made from it.
"""

# A row is data: kind, default, help.  So a switch's default stands bare, and a row is a call.
# ruff: noqa: FBT003, RUF009

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

import attrs

from rakkr.setting import Arguments, Decimal, LogLevel, OneOf, PathName, Switch, Text, Whole
from rakkr.setting_channels import ALL_CHANNELS, ChannelChoice, Channels
from rakkr.setting_row import BadSetting, Setting, read_settings, setting, settings_of

__all__ = ["SETTINGS", "BadSetting", "Resolved", "Settings", "child_environment", "resolve"]

_DAY: Final = 86_400
_WEEK: Final = 7 * _DAY
_TEBIBYTE: Final = 1 << 40

_BACKENDS: Final = ("alsa", "jack", "pipewire")
_timeout = Whole(1, _DAY * 1000, "milliseconds")
_level = Decimal(-200.0, 20.0, "dBFS")
_percent = Decimal(0.0, 100.0, "percent")
_per_core = Decimal(0.0, 1000.0, "per core")

_identity = partial(setting, "Identity and controller")
_mode = partial(setting, "Modes")
_capture = partial(setting, "Capture and render")
_meter = partial(setting, "Metering and listening")
_job = partial(setting, "Jobs and state")
_health = partial(setting, "Health")
_inventory = partial(setting, "Inventory")
_solo = partial(setting, "Built-in controller")
_process = partial(setting, "Process")


@attrs.frozen(kw_only=True)
class Settings:
    """Every setting, by the name of its flag with underscores; units are in the table."""

    # Identity, controller, transport.
    controller_url: str = _identity(
        Text(), "http://localhost:8787", "base URL of the controller; plain http only to this host"
    )
    allow_insecure_controller: bool = _identity(
        Switch(), False, "send the token over plain http to another host, readable by everybody"
    )
    controller_ca_cert_path: Path | None = _identity(
        PathName(optional=True),
        None,
        "PEM file of the certificate authorities that the controller's certificate may come from",
    )
    controller_client_cert_path: Path | None = _identity(
        PathName(optional=True),
        None,
        "PEM certificate that proves this node to a controller which asks for one",
    )
    controller_client_key_path: Path | None = _identity(
        PathName(optional=True), None, "PEM private key of that certificate"
    )
    controller_token: str | None = _identity(
        Text(optional=True, secret=True),
        None,
        "bearer token of this node; without any token nothing is sent and no job is taken",
    )
    controller_token_file: Path | None = _identity(
        PathName(optional=True),
        None,
        "file that holds the token; read again when the controller refuses it",
    )
    controller_connect_timeout_ms: int = _identity(
        _timeout, 10_000, "how long a connection may take to be made"
    )
    controller_read_timeout_ms: int = _identity(
        _timeout, 60_000, "how long the controller may be silent in the middle of an answer"
    )
    controller_request_timeout_ms: int = _identity(
        _timeout, 3_600_000, "how long one request may take with everything, an upload too"
    )
    node_id: str = _identity(Text(), "node_local_dev", "id of this node at the controller")
    alias: str = _identity(
        Text(),
        "Local Recorder Node",
        "name of this node for people",
        env="RAKKR_NODE_ALIAS",
        also=("node-alias",),
    )
    site: str = _identity(
        Text(),
        "Unassigned Site",
        "site that the node stands at",
        env="RAKKR_NODE_SITE",
        also=("node-site",),
    )
    room: str = _identity(
        Text(),
        "Unassigned Room",
        "room that the node stands in",
        env="RAKKR_NODE_ROOM",
        also=("node-room",),
    )
    heartbeat_seconds: int = _identity(
        Whole(1, 3600, "seconds"),
        5,
        "how often the node says that it lives; a controller shows it as offline after about 120 s",
    )

    # Modes.
    print_inventory: bool = _mode(
        Switch(), False, "print what this node is and its inputs as JSON, then end", env=None
    )
    table: bool = _mode(
        Switch(), False, "with --print-inventory: print the inputs as a table for people", env=None
    )
    print_meter_frame: bool = _mode(
        Switch(), False, "print one measurement of the levels as JSON, then end", env=None
    )
    print_channel_map_assignments: bool = _mode(
        Switch(), False, "print the channel maps that the controller assigned as JSON, then end"
    )
    bootstrap: bool = _mode(Switch(), False, "enrol this node with a one-time token, then end")
    bootstrap_token: str | None = _mode(
        Text(optional=True, secret=True), None, "the one-time token of --bootstrap"
    )
    bootstrap_authorized_keys_path: Path = _mode(
        PathName(),
        Path("/var/lib/rakkr/agent/.ssh/authorized_keys"),
        "where --bootstrap lets the controller's key in",
        env="RAKKR_BOOTSTRAP_AUTHORIZED_KEYS",
    )
    bootstrap_env_file: Path = _mode(
        PathName(),
        Path("/etc/rakkr/recorder-agent.env"),
        "environment file that --bootstrap writes the token into",
    )
    ssh_keygen_command: str = _mode(Text(), "ssh-keygen", "program that makes the key pair")
    list_salvage: bool = _mode(
        Switch(),
        False,
        "print the recordings that are kept here because they could not be delivered, as JSON, "
        "then end",
        env=None,
    )
    repair: Path | None = _mode(
        PathName(),
        None,
        "write a repaired copy of a WAV file whose header is wrong, then end",
        env=None,
    )
    repair_output: Path | None = _mode(
        PathName(),
        None,
        "file or directory for the copy of --repair, which otherwise lies beside the file",
        env=None,
    )
    sweep: bool = _mode(
        Switch(),
        False,
        "delete what the cache policies let go, say what went and what stays as JSON, then end",
        env=None,
    )
    dry_run: bool = _mode(
        Switch(),
        False,
        "with --sweep: only say what would go and why, beside an agent that runs",
        env=None,
    )
    run_next_job: bool = _mode(
        Switch(), False, "do the next queued job, and finish what is left of others, then end"
    )
    attach_cache_recording_id: str | None = _mode(
        Text(optional=True), None, "recording that --attach-cache-file belongs to"
    )
    attach_cache_file: Path | None = _mode(
        PathName(optional=True), None, "upload this file as a recording's audio, then end"
    )
    attach_cache_content_type: str = _mode(
        Text(), "audio/mpeg", "content type of --attach-cache-file"
    )
    attach_cache_duration_seconds: int | None = _mode(
        Whole(0, 366 * _DAY, "seconds"), None, "how long --attach-cache-file plays"
    )
    attach_cache_file_name: str | None = _mode(
        Text(optional=True), None, "name to upload under, instead of the file's own"
    )
    capture_recording_id: str | None = _mode(
        Text(optional=True), None, "record now, upload it as this recording, then end"
    )

    # Capture and render.
    capture_output: Path | None = _capture(
        PathName(optional=True), None, "file of a direct capture; its extension follows the codec"
    )
    capture_output_codec: str | None = _capture(
        OneOf(("wav", "flac", "mp3")),
        None,
        "codec of a direct capture; otherwise that of the extension, otherwise wav",
    )
    capture_output_bitrate_kbps: int | None = _capture(
        Whole(8, 320, "kbit/s"), None, "bit rate of a direct capture; 128 for mp3 when not given"
    )
    capture_output_vbr: bool = _capture(
        Switch(valued=True), True, "variable bit rate of a direct capture, for mp3 only"
    )
    capture_device: str = _capture(
        Text(),
        "default",
        "source of a direct capture and of idle metering, in the words of its backend; jobs name "
        "their own",
    )
    capture_command: str = _capture(
        Text(),
        "arecord",
        "capture program, without arguments; arecord stands for the backend's own; also used for "
        "metering",
    )
    capture_backend: str = _capture(OneOf(_BACKENDS), "alsa", "backend of a job that names none")
    capture_args_template: str | None = _capture(
        Arguments(),
        None,
        "arguments of the capture program, split like a shell line; {device} {format} "
        "{sample_rate} {channels} {seconds} {output} are filled in",
    )
    channel_render_command: str = _capture(
        Text(), "ffmpeg", "program that renders and encodes recordings"
    )
    capture_format: str = _capture(
        Text(), "S16_LE", "sample format by its ALSA name; with an arguments template, any text"
    )
    capture_seconds: int = _capture(
        Whole(1, _WEEK, "seconds"), 60, "how long a direct capture lasts"
    )
    capture_chunk_seconds: int | None = _capture(
        Whole(0, _DAY, "seconds"),
        None,
        "length of the pieces of a job that names none; 0 or nothing is one single file",
    )
    capture_sample_rate: int = _capture(Whole(1000, 768_000, "Hz"), 48_000, "frames in a second")
    capture_channels: int = _capture(Whole(1, 256, "channels"), 2, "channels to open")
    capture_min_output_bytes: int = _capture(
        Whole(0, _TEBIBYTE, "bytes"), 128, "a capture smaller than this has failed"
    )
    capture_growth_grace_seconds: int = _capture(
        Whole(0, 3600, "seconds"), 10, "how old a capture must be before it can count as stalled"
    )
    capture_stalled_seconds: int = _capture(
        Whole(1, 3600, "seconds"), 30, "a capture that has not grown for so long has stalled"
    )
    capture_stop_grace_seconds: float = _capture(
        Decimal(0.1, 600.0, "seconds"), 5.0, "how long a capture program has to end before KILL"
    )
    capture_dir: Path = _capture(
        PathName(),
        Path("data/recordings/local-captures"),
        "directory that recordings are kept in until the controller has them",
        env="RAKKR_AGENT_CACHE_DIR",
    )
    capture_gaps: str = _capture(
        OneOf(("silence", "join")),
        "silence",
        "what a delivered recording has where the device gave nothing: silence of that length, so "
        "that time stays true, or nothing",
    )

    # Metering and listening.
    meter_backend: str = _meter(
        OneOf((*_BACKENDS, "synthetic")),
        "alsa",
        "where levels come from; synthetic invents them, and is for demonstrations only",
    )
    meter_args_template: str | None = _meter(
        Arguments(), None, "arguments of the metering program, as for the capture program"
    )
    meter_sample_seconds: int = _meter(
        Whole(1, 10, "seconds"),
        1,
        "length of the measurement of --print-meter-frame; the daemon measures every sample",
    )
    meter_post_seconds: float | None = _meter(
        Decimal(0.2, 60.0, "seconds"),
        None,
        "how often levels are sent, each time those of all samples since the last; when not given, "
        "as often as the heartbeat",
    )
    meter_clip_dbfs: float = _meter(_level, -1.0, "a peak as high as this is clipping")
    meter_flatline_dbfs: float = _meter(_level, -120.0, "a level as low as this is a dead input")
    meter_low_signal_dbfs: float = _meter(_level, -55.0, "a level as low as this is a weak signal")
    meter_correlation: float = _meter(
        Decimal(0.8, 1.0),
        0.98,
        "two channels that are as much alike as this, 1 being the same, carry one signal twice",
    )
    meter_stuck_seconds: float = _meter(
        Decimal(0.01, 60.0, "seconds"),
        1.0,
        "a sample other than zero that does not change for so long is stuck",
    )
    meter_dc_dbfs: float = _meter(
        _level, -40.0, "a channel that is this far off centre has a DC offset"
    )
    meter_alarm_set_seconds: float = _meter(
        Decimal(0.0, 3600.0, "seconds"),
        15.0,
        "how much audio must show a fault until it is reported; 0 reports it at once",
    )
    meter_alarm_clear_seconds: float = _meter(
        Decimal(0.0, 3600.0, "seconds"),
        15.0,
        "how much audio must be without the fault until its end is reported",
    )
    monitor_chunk_sync_enabled: bool = _meter(
        Switch(), True, "send live audio for those who listen in"
    )
    monitor_chunk_seconds: float = _meter(
        Decimal(0.2, 4.0, "seconds"),
        2.0,
        "length of one piece of live audio; a controller plays only what is younger than 5 s",
    )
    monitor_channels: ChannelChoice = _meter(
        Channels(), ALL_CHANNELS, "channels that are mixed for those who listen in"
    )

    # Jobs and state.
    max_concurrent_recordings: int = _job(
        Whole(1, 64, "jobs"), 1, "jobs at one time, until the controller says otherwise"
    )
    job_poll_seconds: int = _job(
        Whole(1, 3600, "seconds"), 2, "pause before something about a job is tried again"
    )
    claim_seconds: float = _job(
        Decimal(0.2, 60.0, "seconds"), 1.0, "how often a free node asks for a job"
    )
    job_heartbeat_seconds: float = _job(
        Decimal(1.0, 15.0, "seconds"),
        8.0,
        "how often the lease of a job is renewed; up to 2 s are added, and a lease lasts 30 s",
    )
    salvage_on_retry: str = _job(
        OneOf(("upload", "record")),
        "upload",
        "what a job for a recording does whose audio was kept on this node: upload that, or record "
        "anew",
    )
    agent_state_file: Path = _job(
        PathName(),
        Path("data/agent/job-state.json"),
        "where the state of the job that changed last is kept; the journals of all jobs, and the "
        "lock that keeps a second agent out, are beside it",
    )
    recorder_cache_manifest_file: Path = _job(
        PathName(),
        Path("data/agent/recorder-cache-manifest.json"),
        "list of the recordings that are kept on this node",
    )

    recorder_cache_orphan_days: float = _job(
        Decimal(1.0, 3650.0, "days"),
        30.0,
        "how long a recording stays after its upload when the controller has its cache policy no "
        "more; longer if that policy kept it longer",
    )

    # Health.
    agent_health_log_file: Path = _health(
        PathName(), Path("data/agent/health-events.jsonl"), "log of health events, a line each"
    )
    agent_health_log_store: str = _health(
        OneOf(("jsonl", "sqlite")), "jsonl", "what health events are kept in"
    )
    agent_health_sqlite_file: Path = _health(
        PathName(), Path("data/agent/health-events.sqlite3"), "database of health events"
    )
    agent_health_log_max_bytes: int = _health(
        Whole(0, _TEBIBYTE, "bytes"), 1 << 20, "size at which the log is rotated; 0 is never"
    )
    agent_health_log_retained_files: int = _health(
        Whole(0, 1000, "files"), 3, "rotated logs that are kept; 0 deletes instead of rotating"
    )
    agent_health_sqlite_max_bytes: int = _health(
        Whole(0, _TEBIBYTE, "bytes"),
        64 << 20,
        "size of the database from which on the oldest delivered events are deleted; 0 is never",
    )
    agent_health_sqlite_max_days: int = _health(
        Whole(0, 36_500, "days"),
        90,
        "age from which on delivered events are deleted from the database; 0 is never",
    )
    agent_health_undelivered_max_bytes: int = _health(
        Whole(0, _TEBIBYTE, "bytes"),
        64 << 20,
        "how much is kept beyond the other limits because the controller does not have it yet",
    )
    agent_health_events_per_second: float = _health(
        Decimal(0.1, 10_000.0, "per second"),
        20.0,
        "how fast events go to the controller when many have waited",
    )
    system_health_enabled: bool = _health(
        Switch(), True, "watch the disks, the load and the audio inputs"
    )
    system_health_df_command: str = _health(
        Text(), "df", "program that tells how full a disk is, called with -Pk PATH"
    )
    system_health_disk_path: Path = _health(
        PathName(), Path(), "path whose disk is watched besides that of --capture-dir"
    )
    system_health_disk_warning_percent: float = _health(
        _percent, 85.0, "used part of the disk that warns"
    )
    system_health_disk_critical_percent: float = _health(
        _percent, 95.0, "used part of the disk that is critical"
    )
    system_health_load_warning_per_core: float = _health(_per_core, 2.0, "load that warns")
    system_health_load_critical_per_core: float = _health(_per_core, 4.0, "load that is critical")
    system_health_loadavg_path: Path = _health(
        PathName(), Path("/proc/loadavg"), "file that the load is read from"
    )

    # Inventory.
    inventory_proc_asound_pcm_path: Path = _inventory(
        PathName(),
        Path("/proc/asound/pcm"),
        "list of devices that is read when arecord names none; what is known of "
        "each card is read beside it",
    )
    inventory_arecord_command: str = _inventory(
        Text(), "arecord", "program that lists the capture devices"
    )

    # Built-in controller.
    solo: bool = _solo(
        Switch(), False, "start the built-in controller and record for it; no other is needed"
    )
    solo_only: bool = _solo(Switch(), False, "start the built-in controller without an agent")
    solo_port: int = _solo(Whole(0, 65_535), 8443, "its port; 0 takes any that is free")
    solo_interface: str = _solo(Text(), "127.0.0.1", "address that it listens on")
    solo_dir: Path = _solo(
        PathName(), Path("data/solo"), "directory of its certificates, database and recordings"
    )

    # Process.
    on_terminate: str = _process(
        OneOf(("leave", "finish")),
        "leave",
        "what SIGTERM does to recordings of the daemon: leave them running for the agent that "
        "starts next, or finish and deliver them; one-shot modes always finish",
    )
    on_interrupt: str = _process(
        OneOf(("leave", "finish")), "finish", "the same for SIGINT, which Ctrl-C sends"
    )
    shutdown_seconds: float = _process(
        Decimal(1.0, 600.0, "seconds"), 30.0, "how long an orderly end may take"
    )
    log_level: str = _process(
        LogLevel(),
        "info",
        "how much is logged, to standard error; a bare word in the variable that is no level "
        "names a target there and counts as info",
        env="RUST_LOG",
        env_kind=LogLevel(targets=True),
    )


SETTINGS: Final[tuple[Setting, ...]] = settings_of(Settings)
"""The table as rows, in its own order."""


@attrs.frozen
class Resolved:
    """
    What this run was told.

    :ivar explicit: names of the settings that the command line or the environment gave.
    """

    settings: Settings
    explicit: frozenset[str]


def resolve(given: Mapping[str, str | bool | None], environ: Mapping[str, str]) -> Resolved:
    """
    Settle every setting.

    :param given: what the command line says, by the setting's name; None is "not given".
    :raises BadSetting: for a value that cannot be used, or two that contradict each other.
    """
    values = read_settings(SETTINGS, given, _without_beaten_token(given, environ))
    settings = Settings(**values)
    _refuse_contradictions(settings)
    return Resolved(settings, frozenset(values))


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """
    The environment for child programs: in the C locale, because we read what they say, and
    without our secrets.
    """
    secret = {row.env for row in SETTINGS if row.is_secret}
    kept = {name: value for name, value in environ.items() if name not in secret}
    return {**kept, "LC_ALL": "C"}


def _without_beaten_token(
    given: Mapping[str, str | bool | None], environ: Mapping[str, str]
) -> Mapping[str, str]:
    """The token and its file are one setting: a flag for either beats the variables of both."""
    pair = ("controller_token", "controller_token_file")
    if not any(str(given.get(name) or "").strip() for name in pair):
        return environ
    beaten = {row.env for row in SETTINGS if row.name in pair}
    return {name: value for name, value in environ.items() if name not in beaten}


def _refuse_contradictions(settings: Settings) -> None:
    if settings.controller_token is not None and settings.controller_token_file is not None:
        raise BadSetting("--controller-token and --controller-token-file exclude each other.")
    certificate, key = settings.controller_client_cert_path, settings.controller_client_key_path
    if certificate is not None and key is None:
        raise BadSetting("--controller-client-cert-path needs --controller-client-key-path.")
    if key is not None and certificate is None:
        raise BadSetting("--controller-client-key-path needs --controller-client-cert-path.")
