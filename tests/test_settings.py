"""The table of settings keeps the names and defaults that nodes in the field are set up with."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.setting import Decimal, Whole
from rakkr.setting_row import Setting
from rakkr.settings import SETTINGS, BadSetting, Settings, child_environment, resolve

# Flag, environment variable, default: as the interface of the agent documents them.
DOCUMENTED = """
controller-url                       RAKKR_CONTROLLER_URL                      http://localhost:8787
allow-insecure-controller            RAKKR_ALLOW_INSECURE_CONTROLLER           off
controller-ca-cert-path              RAKKR_CONTROLLER_CA_CERT_PATH             none
controller-token                     RAKKR_CONTROLLER_TOKEN                    none
node-id                              RAKKR_NODE_ID                             node_local_dev
alias                                RAKKR_NODE_ALIAS                          Local Recorder Node
site                                 RAKKR_NODE_SITE                           Unassigned Site
room                                 RAKKR_NODE_ROOM                           Unassigned Room
heartbeat-seconds                    RAKKR_HEARTBEAT_SECONDS                   5
print-inventory                      -                                         off
print-meter-frame                    -                                         off
print-channel-map-assignments        RAKKR_PRINT_CHANNEL_MAP_ASSIGNMENTS       off
bootstrap                            RAKKR_BOOTSTRAP                           off
bootstrap-token                      RAKKR_BOOTSTRAP_TOKEN                     none
bootstrap-authorized-keys-path       RAKKR_BOOTSTRAP_AUTHORIZED_KEYS           /var/lib/rakkr/agent/.ssh/authorized_keys
bootstrap-env-file                   RAKKR_BOOTSTRAP_ENV_FILE                  /etc/rakkr/recorder-agent.env
ssh-keygen-command                   RAKKR_SSH_KEYGEN_COMMAND                  ssh-keygen
run-next-job                         RAKKR_RUN_NEXT_JOB                        off
attach-cache-recording-id            RAKKR_ATTACH_CACHE_RECORDING_ID           none
attach-cache-file                    RAKKR_ATTACH_CACHE_FILE                   none
attach-cache-content-type            RAKKR_ATTACH_CACHE_CONTENT_TYPE           audio/mpeg
attach-cache-duration-seconds        RAKKR_ATTACH_CACHE_DURATION_SECONDS       none
attach-cache-file-name               RAKKR_ATTACH_CACHE_FILE_NAME              none
capture-recording-id                 RAKKR_CAPTURE_RECORDING_ID                none
capture-output                       RAKKR_CAPTURE_OUTPUT                      none
capture-output-codec                 RAKKR_CAPTURE_OUTPUT_CODEC                none
capture-output-bitrate-kbps          RAKKR_CAPTURE_OUTPUT_BITRATE_KBPS         none
capture-output-vbr                   RAKKR_CAPTURE_OUTPUT_VBR                  true
capture-device                       RAKKR_CAPTURE_DEVICE                      default
capture-command                      RAKKR_CAPTURE_COMMAND                     arecord
capture-backend                      RAKKR_CAPTURE_BACKEND                     alsa
capture-args-template                RAKKR_CAPTURE_ARGS_TEMPLATE               none
channel-render-command               RAKKR_CHANNEL_RENDER_COMMAND              ffmpeg
capture-format                       RAKKR_CAPTURE_FORMAT                      S16_LE
capture-seconds                      RAKKR_CAPTURE_SECONDS                     60
capture-chunk-seconds                RAKKR_CAPTURE_CHUNK_SECONDS               none
capture-sample-rate                  RAKKR_CAPTURE_SAMPLE_RATE                 48000
capture-channels                     RAKKR_CAPTURE_CHANNELS                    2
capture-min-output-bytes             RAKKR_CAPTURE_MIN_OUTPUT_BYTES            128
capture-growth-grace-seconds         RAKKR_CAPTURE_GROWTH_GRACE_SECONDS        10
capture-stalled-seconds              RAKKR_CAPTURE_STALLED_SECONDS             30
meter-backend                        RAKKR_METER_BACKEND                       alsa
meter-args-template                  RAKKR_METER_ARGS_TEMPLATE                 none
meter-sample-seconds                 RAKKR_METER_SAMPLE_SECONDS                1
meter-clip-dbfs                      RAKKR_METER_CLIP_DBFS                     -1
meter-flatline-dbfs                  RAKKR_METER_FLATLINE_DBFS                 -120
meter-low-signal-dbfs                RAKKR_METER_LOW_SIGNAL_DBFS               -55
monitor-chunk-sync-enabled           RAKKR_MONITOR_CHUNK_SYNC_ENABLED          on
max-concurrent-recordings            RAKKR_MAX_CONCURRENT_RECORDINGS           1
job-poll-seconds                     RAKKR_JOB_POLL_SECONDS                    2
agent-state-file                     RAKKR_AGENT_STATE_FILE                    data/agent/job-state.json
recorder-cache-manifest-file         RAKKR_RECORDER_CACHE_MANIFEST_FILE        data/agent/recorder-cache-manifest.json
agent-health-log-file                RAKKR_AGENT_HEALTH_LOG_FILE               data/agent/health-events.jsonl
agent-health-log-store               RAKKR_AGENT_HEALTH_LOG_STORE              jsonl
agent-health-sqlite-file             RAKKR_AGENT_HEALTH_SQLITE_FILE            data/agent/health-events.sqlite3
agent-health-log-max-bytes           RAKKR_AGENT_HEALTH_LOG_MAX_BYTES          1048576
agent-health-log-retained-files      RAKKR_AGENT_HEALTH_LOG_RETAINED_FILES     3
system-health-enabled                RAKKR_SYSTEM_HEALTH_ENABLED               on
system-health-df-command             RAKKR_SYSTEM_HEALTH_DF_COMMAND            df
system-health-disk-path              RAKKR_SYSTEM_HEALTH_DISK_PATH             .
system-health-disk-warning-percent   RAKKR_SYSTEM_HEALTH_DISK_WARNING_PERCENT  85
system-health-disk-critical-percent  RAKKR_SYSTEM_HEALTH_DISK_CRITICAL_PERCENT 95
system-health-load-warning-per-core  RAKKR_SYSTEM_HEALTH_LOAD_WARNING_PER_CORE 2
system-health-load-critical-per-core RAKKR_SYSTEM_HEALTH_LOAD_CRITICAL_PER_CORE 4
system-health-loadavg-path           RAKKR_SYSTEM_HEALTH_LOADAVG_PATH          /proc/loadavg
inventory-proc-asound-pcm-path       RAKKR_INVENTORY_PROC_ASOUND_PCM_PATH      /proc/asound/pcm
inventory-arecord-command            RAKKR_INVENTORY_ARECORD_COMMAND           arecord
controller-connect-timeout-ms        RAKKR_CONTROLLER_CONNECT_TIMEOUT_MS       10000
controller-read-timeout-ms           RAKKR_CONTROLLER_READ_TIMEOUT_MS          60000
controller-request-timeout-ms        RAKKR_CONTROLLER_REQUEST_TIMEOUT_MS       3600000
log-level                            RUST_LOG                                  info
"""  # noqa: E501

# What this agent adds.
OURS = """
agent-health-events-per-second RAKKR_AGENT_HEALTH_EVENTS_PER_SECOND 20
agent-health-sqlite-max-bytes RAKKR_AGENT_HEALTH_SQLITE_MAX_BYTES 67108864
agent-health-sqlite-max-days RAKKR_AGENT_HEALTH_SQLITE_MAX_DAYS 90
agent-health-undelivered-max-bytes RAKKR_AGENT_HEALTH_UNDELIVERED_MAX_BYTES 67108864
controller-client-cert-path RAKKR_CONTROLLER_CLIENT_CERT_PATH none
controller-client-key-path  RAKKR_CONTROLLER_CLIENT_KEY_PATH  none
controller-token-file       RAKKR_CONTROLLER_TOKEN_FILE       none
capture-dir                 RAKKR_AGENT_CACHE_DIR             data/recordings/local-captures
capture-stop-grace-seconds  RAKKR_CAPTURE_STOP_GRACE_SECONDS  5
claim-seconds               RAKKR_CLAIM_SECONDS               1
job-heartbeat-seconds       RAKKR_JOB_HEARTBEAT_SECONDS       8
shutdown-seconds            RAKKR_SHUTDOWN_SECONDS            30
solo                        RAKKR_SOLO                        off
solo-only                   RAKKR_SOLO_ONLY                   off
solo-port                   RAKKR_SOLO_PORT                   8443
solo-interface              RAKKR_SOLO_INTERFACE              127.0.0.1
solo-dir                    RAKKR_SOLO_DIR                    data/solo
capture-gaps                RAKKR_CAPTURE_GAPS                silence
salvage-on-retry            RAKKR_SALVAGE_ON_RETRY            upload
on-terminate                RAKKR_ON_TERMINATE                leave
on-interrupt                RAKKR_ON_INTERRUPT                finish
meter-post-seconds          RAKKR_METER_POST_SECONDS          none
meter-correlation           RAKKR_METER_CORRELATION           0.98
meter-stuck-seconds         RAKKR_METER_STUCK_SECONDS         1
meter-dc-dbfs               RAKKR_METER_DC_DBFS               -40
meter-alarm-set-seconds     RAKKR_METER_ALARM_SET_SECONDS     15
meter-alarm-clear-seconds   RAKKR_METER_ALARM_CLEAR_SECONDS   15
monitor-chunk-seconds       RAKKR_MONITOR_CHUNK_SECONDS       2
monitor-channels            RAKKR_MONITOR_CHANNELS            all
list-salvage                -                                 off
sweep                       -                                 off
dry-run                     -                                 off
recorder-cache-orphan-days  RAKKR_RECORDER_CACHE_ORPHAN_DAYS  30
table                       -                                 off
repair                      -                                 none
repair-output               -                                 none
"""

# A usable value that is not the default, where the kind takes only certain words.
SAMPLES = {"capture_output_codec": "flac", "capture_backend": "jack", "meter_backend": "synthetic",
           "agent_health_log_store": "sqlite", "log_level": "debug", "capture_sample_rate": "44100",
           "capture_output_bitrate_kbps": "64", "capture_gaps": "join", "on_terminate": "finish",
           "on_interrupt": "leave", "salvage_on_retry": "record", "meter_correlation": "0.9",
           "monitor_chunk_seconds": "3"}  # fmt: skip

ROWS = {row.name: row for row in SETTINGS}
PAIR = ("controller_client_cert_path", "controller_client_key_path")
NUMBERS = [row for row in SETTINGS if isinstance(row.kind, Whole | Decimal)]


def _sample(row: Setting) -> str:
    """A usable text for a value that is not the default."""
    if isinstance(row.default, bool):
        return "0" if row.default else "1"
    return SAMPLES.get(row.name, "9")


class TableTests(SynchronousTestCase):
    """The rows."""

    def test_documented(self) -> None:
        """Every documented flag and variable exists with its documented default, and no other."""
        expected = {tuple(line.split(None, 2)) for line in (DOCUMENTED + OURS).split("\n") if line}
        actual = {(row.flags[0], row.env or "-", row.shown_default) for row in SETTINGS}
        self.assertEqual(actual, expected)

    def test_other_spellings(self) -> None:
        """The names of the node have the spelling of the program and that of its documentation."""
        others = {row.flags[0]: row.also for row in SETTINGS if row.also}
        expected = {"alias": ("node-alias",), "site": ("node-site",), "room": ("node-room",)}
        self.assertEqual(others, expected)

    def test_nothing_given(self) -> None:
        """With nothing given every setting has its default, and none counts as explicit."""
        resolved = resolve({}, {"PATH": "/bin", "LANG": "C"})
        self.assertEqual((resolved.settings, resolved.explicit), (Settings(), frozenset()))

    def test_every_variable_is_read(self) -> None:
        """Every setting with a variable takes its value from there, and from its flag."""
        for row in SETTINGS:
            text = _sample(row)
            wanted = row.kind.parse(text)
            self.assertNotEqual(wanted, row.default)
            told = dict.fromkeys(PAIR if row.name in PAIR else (row.name,), text)
            ways = [resolve(told, {})]
            if row.env is not None:
                ways.append(resolve({}, {ROWS[name].env or "": text for name in told}))
            for resolved in ways:
                self.assertEqual(getattr(resolved.settings, row.name), wanted)
                self.assertEqual(resolved.explicit, told.keys())

    def test_defaults_are_inside(self) -> None:
        """Every default is a value that could have been typed."""
        for row in SETTINGS:
            if row.default is not None:
                self.assertEqual(row.kind.parse(row.shown_default), row.default)

    @given(st.sampled_from(NUMBERS), st.sampled_from(["low", "high"]))
    def test_both_sides_of_each_limit(self, row, side) -> None:
        """Every numeric setting takes its limits, and refuses what is just beyond them."""
        limit = getattr(row.kind, side)
        beyond = limit + (1 if side == "high" else -1)
        settings = resolve({row.name: str(limit)}, {}).settings
        self.assertEqual(getattr(settings, row.name), limit)
        error = self.assertRaises(BadSetting, resolve, {row.name: str(beyond)}, {})
        self.assertIn(row.flag, str(error))
        if row.env is not None:
            error = self.assertRaises(BadSetting, resolve, {}, {row.env: str(beyond)})
            self.assertIn(row.env, str(error))

    def test_timeouts_are_not_guessed(self) -> None:
        """A time limit of 0, or one that is no number, is an error instead of the default."""
        for text in ("0", "soon", "1.5", "nan"):
            environ = {"RAKKR_CONTROLLER_READ_TIMEOUT_MS": text}
            self.assertRaises(BadSetting, resolve, {}, environ)

    def test_paths_are_paths(self) -> None:
        """A path setting is a path, and an optional one that is empty is none."""
        settings = resolve({"capture_dir": "/a", "attach_cache_file": ""}, {}).settings
        self.assertEqual((settings.capture_dir, settings.attach_cache_file), (Path("/a"), None))


class ContradictionTests(SynchronousTestCase):
    """Settings that exclude or need each other."""

    def test_two_tokens(self) -> None:
        """The token comes from one place."""
        both = {"controller_token": "t", "controller_token_file": "f"}
        error = self.assertRaises(BadSetting, resolve, both, {})
        self.assertIn("--controller-token-file", str(error))
        variables = {"RAKKR_CONTROLLER_TOKEN": "t", "RAKKR_CONTROLLER_TOKEN_FILE": "f"}
        self.assertRaises(BadSetting, resolve, {}, variables)

    def test_flag_beats_the_other_variable(self) -> None:
        """A token in any form on the command line beats one in any form in the environment."""
        # Beaten values are not looked at either: these could not be used.
        variables = {"RAKKR_CONTROLLER_TOKEN": "\x01", "RAKKR_CONTROLLER_TOKEN_FILE": "\0"}
        for winner, loser in (
            ("controller_token", "controller_token_file"),
            ("controller_token_file", "controller_token"),
        ):
            resolved = resolve({winner: "x", loser: None}, variables)
            self.assertEqual(str(getattr(resolved.settings, winner)), "x")
            self.assertIsNone(getattr(resolved.settings, loser))
            self.assertEqual(resolved.explicit, {winner})

    def test_flag_without_token(self) -> None:
        """A flag that takes the file away leaves the token of the environment."""
        given_ = {"controller_token_file": ""}
        settings = resolve(given_, {"RAKKR_CONTROLLER_TOKEN": "t"}).settings
        self.assertEqual(settings.controller_token, "t")

    def test_token_taken_away(self) -> None:
        """A token file on the command line works beside a token variable that is overruled."""
        given_ = {"controller_token": "", "controller_token_file": "f"}
        settings = resolve(given_, {"RAKKR_CONTROLLER_TOKEN": "t"}).settings
        self.assertEqual(settings.controller_token_file, Path("f"))
        self.assertIsNone(settings.controller_token)

    def test_certificate_and_key(self) -> None:
        """A client certificate and its key come together or not at all."""
        certificate, key = "controller_client_cert_path", "controller_client_key_path"
        self.assertRaises(BadSetting, resolve, {certificate: "c"}, {})
        self.assertRaises(BadSetting, resolve, {key: "k"}, {})
        settings = resolve({certificate: "c", key: "k"}, {}).settings
        self.assertEqual(settings.controller_client_key_path, Path("k"))


class LogLevelTests(SynchronousTestCase):
    """The level of the log."""

    def test_target_in_the_variable(self) -> None:
        """A variable that speaks of targets does not end the daemon; a flag must be a level."""
        self.assertEqual(resolve({}, {"RUST_LOG": "rakkr_agent"}).settings.log_level, "info")
        error = self.assertRaises(BadSetting, resolve, {"log_level": "rakkr_agent"}, {})
        self.assertIn("--log-level", str(error))


class ChildEnvironmentTests(SynchronousTestCase):
    """The environment of child programs."""

    def test_without_secrets_and_locale(self) -> None:
        """Children get what we have but our tokens, and speak the C locale."""
        environ = {
            "PATH": "/bin",
            "LC_ALL": "de_DE.UTF-8",
            "RAKKR_CONTROLLER_TOKEN": "t",
            "RAKKR_BOOTSTRAP_TOKEN": "t",
            "RAKKR_NODE_ID": "n",
        }
        expected = {"PATH": "/bin", "LC_ALL": "C", "RAKKR_NODE_ID": "n"}
        self.assertEqual(child_environment(environ), expected)
