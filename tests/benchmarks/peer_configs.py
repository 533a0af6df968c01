"""How the other proxies are set up: streaming both ways, kept-alive upstreams, one thread that works, no logs.

Each spreads requests over both upstreams, as the sidecar's A/B test does.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_max_body_size 0;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000000;
    upstream stubs {{
        {servers}
        keepalive 256;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://stubs;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_request_buffering off;
        }}
    }}
}}
"""
HAPROXY = """
global
    nbthread 1
    maxconn 8192
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    option http-keep-alive
    http-reuse always
frontend front
    bind 127.0.0.1:{port} backlog 4096
    default_backend stubs
backend stubs
    balance roundrobin
    {servers}
"""
NO_SAMPLING = {name: {"enabled": False} for name in ("low_confidence", "edge_cases", "random_sample")}
"""The sidecar's setting under which no rule wants an image."""


def nginx(folder: Path, port: int, upstreams: Sequence[int]) -> Path:
    servers = "\n        ".join(f"server 127.0.0.1:{upstream};" for upstream in upstreams)
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, port=port, servers=servers))
    return file


def haproxy(folder: Path, port: int, upstreams: Sequence[int]) -> Path:
    servers = "\n    ".join(f"server stub{upstream} 127.0.0.1:{upstream}" for upstream in upstreams)
    file = folder / "haproxy.cfg"
    file.write_text(HAPROXY.format(port=port, servers=servers))
    return file


def envoy(folder: Path, port: int, upstreams: Sequence[int]) -> Path:
    """Static resources only. Envoy's default circuit breakers (1,024) would be met by 256 connections never."""
    router = {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
    }
    hosts = [{"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "stubs"}}]}]
    connections: dict[str, Any] = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
        ".HttpConnectionManager",
        "stat_prefix": "front",
        "codec_type": "HTTP1",
        "http_filters": [router],
        "route_config": {"virtual_hosts": hosts},
    }
    listener = {
        "address": _address(port),
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": connections}]}
        ],
    }
    cluster = {
        "name": "stubs",
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": "stubs",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(upstream)}} for upstream in upstreams]}],
        },
    }
    file = folder / "envoy.json"
    file.write_text(json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}}))
    return file


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def sidecar(folder: Path, name: str, upstreams: Sequence[int], **settings: Any) -> Path:
    """An A/B test splits all traffic in halves between two upstreams, unless the second is a shadow's."""
    document: dict[str, Any] = {
        "upstreams": [
            {"name": "AB"[index], "url": f"http://127.0.0.1:{upstream}"} for index, upstream in enumerate(upstreams)
        ],
        **settings,
    }
    if len(upstreams) == 2 and "shadows" not in settings:
        test = {"name": "benchmark", "model": "*", "control": "A", "treatment": "B", "traffic_split": 0.5}
        document["experiments"] = [{**test, "unit": "request"}]
    file = folder / f"{name}.json"
    file.write_text(json.dumps(document))
    return file
