"""A throwaway nginx on loopback which drains uploads and answers small posts, over TLS 1.3."""

from __future__ import annotations

import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import trustme

_MODULES = "/usr/lib/nginx/modules"
_CONFIG = """\
load_module {modules}/ndk_http_module.so;
load_module {modules}/ngx_http_lua_module.so;
daemon off;
master_process off;
worker_processes 1;
pid {where}/nginx.pid;
error_log {where}/error.log error;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {where}/body;
  proxy_temp_path {where}/proxy;
  fastcgi_temp_path {where}/fastcgi;
  uwsgi_temp_path {where}/uwsgi;
  scgi_temp_path {where}/scgi;
  client_max_body_size 0;
  keepalive_requests 1000000;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {where}/server.pem;
    ssl_certificate_key {where}/server.key;
    ssl_protocols TLSv1.3;
    # Reads every byte of the body and forgets it.  The size in the receipt is what arrived; Lua has
    # no SHA-256, so the checksum is the one that the benchmark put into the URL.
    location /api/v1/recordings/ {{
      content_by_lua_block {{
        local body, size = ngx.req.socket(), 0
        while body do
          local data, failed, part = body:receive(262144)
          size = size + #(data or part or "")
          if not data then break end
        end
        local said = string.match(ngx.var.uri, "sha256_(%x+)") or ""
        ngx.status = 201
        ngx.header["Content-Type"] = "application/json"
        ngx.say('{{"data":{{"file":{{"checksum":"sha256:', said, '","size":', size, '}}}}}}')
      }}
    }}
    location / {{
      content_by_lua_block {{
        ngx.req.read_body()
        ngx.status = 202
        ngx.header["Content-Type"] = "application/json"
        ngx.say('{{"data":{{"id":"node","status":"online","interfaces":[]}}}}')
      }}
    }}
  }}
}}
"""


@attrs.frozen
class Sink:
    """The server while it runs: its base URL, its CA bundle, its name and version."""

    url: str
    ca: Path
    name: str


@contextmanager
def sink() -> Iterator[Sink]:
    """Run the server in a directory of its own, and end it by its pid."""
    with tempfile.TemporaryDirectory(prefix="rakkr-bench-") as made, socket.socket() as probe:
        where = Path(made)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        authority = trustme.CA()
        authority.cert_pem.write_to_path(where / "ca.pem")
        certificate = authority.issue_cert("127.0.0.1")
        certificate.private_key_pem.write_to_path(where / "server.key")
        (where / "server.pem").write_bytes(
            b"".join(each.bytes() for each in certificate.cert_chain_pems)
        )
        config = where / "nginx.conf"
        config.write_text(_CONFIG.format(modules=_MODULES, where=where, port=port))
        version = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True)
        server = subprocess.Popen(["nginx", "-p", made, "-c", config, "-e", where / "error.log"])
        try:
            _wait_for(port, server)
            name = version.stderr.strip().rpartition(" ")[2] + " with the lua module, draining"
            yield Sink(f"https://127.0.0.1:{port}", where / "ca.pem", name)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(10)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if server.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError("nginx did not start; is libnginx-mod-http-lua installed?")
