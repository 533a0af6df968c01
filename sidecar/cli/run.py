"""The commands that start a sidecar, or judge the file it would start with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sidecar.cli.asking import Json, fail
from sidecar.cli.extras import need, need_server
from sidecar.cli.text import clean, document_text

Upstreams = Annotated[
    list[str] | None,
    typer.Option("--upstream", help="URL of the model server; a second one as NAME=URL starts an A/B split."),
]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="YAML file; see config/sidecar.yaml.")]

_FLAGS = {"traffic_split": "--split", "unit": "--unit", "control": "--upstream", "treatment": "--upstream"}
"""Of the A/B test that a second --upstream starts."""


def run(
    upstream: Upstreams = None,
    config: ConfigFile = None,
    host: Annotated[str | None, typer.Option(help="Address of the data port.  \\[default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="The data port, where clients point.  \\[default: 8080]")] = None,
    admin_port: Annotated[int | None, typer.Option(help="API, /metrics and dashboard.  \\[default: 8081]")] = None,
    health_port: Annotated[int | None, typer.Option(help="/livez and /readyz.  \\[default: 8082]")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the store.  \\[default: sidecar-data]")] = None,
    workers: Annotated[int | None, typer.Option(help="Proxy worker processes.  \\[default: 1]")] = None,
    split: Annotated[
        float | None,
        typer.Option(help="Share of units that go to the second --upstream, over 0 and under 1.  \\[default: 0.5]"),
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="What is assigned: request, client or header:NAME.  \\[default: request]")
    ] = None,
) -> None:
    """Run the sidecar in front of a model server, until SIGTERM or Ctrl-C."""
    need_server("sidecar run")
    arguments = _arguments(upstream or [], host, port, admin_port, health_port, data_dir, workers, split, unit)
    raise SystemExit(_supervise(config, arguments))


def demo(
    loop: Annotated[
        bool, typer.Option("--loop", help="Go once around the improvement loop, in two or three minutes, and end.")
    ] = False,
    stay: Annotated[bool, typer.Option("--stay", help="Of --loop: stay up at its end, for a look.")] = False,
    host: Annotated[str, typer.Option(help="Address of the data port.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The data port.")] = 8080,
    admin_port: Annotated[int, typer.Option(help="API, /metrics and dashboard.")] = 8081,
    health_port: Annotated[int, typer.Option(help="/livez and /readyz.")] = 8082,
    data_dir: Annotated[Path | None, typer.Option(help="Keep what is recorded here.  \\[default: thrown away]")] = None,
    rate: Annotated[
        float | None, typer.Option(help="Requests per second; --loop has its own.  \\[default: 20]", min=0.1, max=50)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the scenes, and of the training.", min=0)] = 1,
    past: Annotated[
        int, typer.Option(help="Days of traffic before now to record first, for a look at months.", min=0, max=90)
    ] = 0,
) -> None:
    """Everything at once: a detector of handwritten digits, traffic, an A/B test, the dashboard. Until Ctrl-C."""
    need("demo", "sidecar demo")
    import asyncio

    from sidecar.app.logs import set_up_logs
    from sidecar.app.supervisor import StartError

    ports = {"port": port, "admin_port": admin_port, "health_port": health_port}
    if stay and not loop:
        fail("--stay: goes with --loop; without it the demo stays up anyway")
    if loop and rate is not None:
        fail("--rate: --loop has a rate of its own")
    if loop and past:
        fail("--past: does not go with --loop, which begins with nothing")
    set_up_logs("console", "supervisor")
    try:
        if loop:
            code = asyncio.run(_loop(host, ports, data_dir, seed, stay))
        else:
            code = asyncio.run(_demo(host, ports, data_dir, rate or 20.0, seed, past))
    except StartError as error:
        fail(str(error))
    except asyncio.CancelledError:  # a signal, before the sidecar was there
        code = 130
    raise SystemExit(code)


async def _demo(host: str, ports: dict[str, int], data_dir: Path | None, rate: float, seed: int, past: int) -> int:
    from sidecar.app.demo import Setting, Telling, run_demo

    telling = Telling(lambda what: print(f"{what} ...", flush=True), _announce)
    return await run_demo(Setting(host, ports, data_dir, rate, seed, past_days=past), telling)


async def _loop(host: str, ports: dict[str, int], data_dir: Path | None, seed: int, stay: bool) -> int:
    import time

    from sidecar.app.demo import Backstage, Setting, Telling, run_demo
    from sidecar.demo.loop import RATE, TRAFFIC, play

    began = time.monotonic()

    def say(step: str, text: str) -> None:
        _say(time.monotonic() - began, step, text)

    async def played(backstage: Backstage) -> int:
        code = await play(backstage.admin_url, backstage.truth, backstage.tell, say, began)
        say("end", _where(backstage.admin_url, data_dir, stay))
        return code

    setting = Setting(host, ports, data_dir, RATE, seed, TRAFFIC)
    telling = Telling(lambda what: say("start", what), _announce)
    return await run_demo(setting, telling, played, stay)


def _say(elapsed_s: float, step: str, text: str) -> None:
    """A step of the loop, on standard output at once."""
    from rich.console import Console

    from sidecar.cli import tables

    console = Console(highlight=False)
    head = tables.text(f"{elapsed_s:5.1f} s  {step:<10}", "bold red" if step == "failed" else "bold")
    tables.hanging(console, tables.text(text), head.cell_len, head)
    console.file.flush()


def _where(admin_url: str, data_dir: Path | None, stay: bool) -> str:
    """Where what the loop made can be looked at."""
    if stay:
        return (
            f"all stays up until Ctrl-C: the dashboard at {admin_url}; `sidecar feedback report digits`, `sidecar "
            f"dataset show digits`, `sidecar ab-test`, `sidecar train`, each with --url {admin_url}"
        )
    if data_dir is not None:
        return f"all of it is kept in {data_dir}; --stay leaves the sidecar up for a look at the dashboard"
    return "all of it is thrown away; --stay leaves it up for a look at the dashboard, --data-dir DIR keeps it"


def check_config(
    config: Annotated[Path, typer.Argument(metavar="FILE", help="The YAML file to check.")], as_json: Json = False
) -> None:
    """Say whether a configuration is good; all its faults at once, each with its line. Exit code 2 where it is not."""
    need("server", "sidecar check-config")
    if not as_json:
        _load(config, {})
        print(clean(f"{config}: good"))
        return
    from sidecar.app.load import ConfigFaults, load_config

    faults: list[Any] = []
    try:
        load_config(config, {})
    except ConfigFaults as error:
        faults = [{"place": fault.place, "message": fault.message} for fault in error.faults]
    print(document_text({"file": str(config), "good": not faults, "faults": faults}))
    raise SystemExit(2 if faults else 0)


def _arguments(
    upstreams: list[str],
    host: str | None,
    port: int | None,
    admin_port: int | None,
    health_port: int | None,
    data_dir: Path | None,
    workers: int | None,
    split: float | None,
    unit: str | None,
) -> dict[str, Any]:
    """The flags as settings; what was not given is left to the environment and the file."""
    listen = {"host": host, "port": port, "health_port": health_port, "workers": workers}
    arguments: dict[str, Any] = {
        "listen": {name: value for name, value in listen.items() if value is not None},
        "admin": {} if admin_port is None else {"port": admin_port},
    }
    if data_dir is not None:
        arguments["data_dir"] = data_dir
    named = [_named(text, index) for index, text in enumerate(upstreams)]
    if named:
        arguments["upstreams"] = named
    if len(named) > 2:
        fail("--upstream: given more than twice; more than two model versions need a file (--config)")
    if len(named) == 2:
        arguments["experiments"] = [
            {
                "control": named[0]["name"],
                "treatment": named[1]["name"],
                "traffic_split": 0.5 if split is None else split,
                "unit": unit or "request",
            }
        ]
    elif split is not None or unit is not None:
        flag = "--split" if split is not None else "--unit"
        fail(f"{flag}: splits traffic between two --upstream, but {len(named) or 'none'} was given")
    return arguments


def _named(text: str, index: int) -> dict[str, str]:
    """``B=http://...`` or a bare URL, which gets the next letter.

    >>> _named("http://localhost:8000", 0), _named("v2=http://localhost:9000", 1)["name"]
    ({'name': 'A', 'url': 'http://localhost:8000'}, 'v2')
    """
    name, equals, url = text.partition("=")
    if equals and "/" not in name:
        return {"name": name, "url": url}
    return {"name": chr(ord("A") + index), "url": text}


def _load(file: Path | None, arguments: dict[str, Any]) -> Any:
    from sidecar.app.load import ConfigFaults, load_config

    try:
        return load_config(file, arguments)
    except ConfigFaults as error:
        fail("\n".join(_told(str(fault), arguments) for fault in error.faults))


def _told(fault: str, arguments: dict[str, Any]) -> str:
    """A fault of the A/B test that flags made, by its flag; any other as it is.

    >>> _told("experiments[0].unit: 'x' is no unit", {"experiments": []})
    "--unit: 'x' is no unit"
    """
    place, _, message = fault.partition(": ")
    flag = _FLAGS.get(place.rpartition(".")[2])
    made_by_flags = "experiments" in arguments and place.startswith("experiments[")
    return f"{flag}: {message}" if made_by_flags and flag else fault


def _supervise(file: Path | None, arguments: dict[str, Any]) -> int:
    import asyncio

    from sidecar.app.load import load_config
    from sidecar.app.logs import set_up_logs_lazily
    from sidecar.app.supervisor import StartError, Supervisor

    config = _load(file, arguments)
    set_up_logs_lazily(config.log_format, "supervisor")
    supervisor = Supervisor(config, lambda: load_config(file, arguments))
    try:
        asyncio.run(supervisor.run(_proxying, opened=_dashboard))
    except StartError as error:
        fail(str(error))
    return 0


def _announce(supervisor: Any) -> None:
    """Both addresses at once, when both answer."""
    _proxying(supervisor)
    _dashboard(supervisor)


def _proxying(supervisor: Any) -> None:
    config = supervisor.config
    targets = ", ".join(f"{item.name} {' '.join(item.urls or (item.url,))}" for item in config.upstreams)
    print(f"proxying   {config.listen.scheme}://{config.listen.host}:{supervisor.port}  ->  {targets}", flush=True)


def _dashboard(supervisor: Any) -> None:
    """It is told once it is there, some seconds after the proxy: whoever follows the address at once must find it."""
    config = supervisor.config
    scheme = "http" if config.admin.tls_cert_file is None else "https"
    print(f"dashboard  {scheme}://{config.admin.host}:{config.admin.port}", flush=True)
