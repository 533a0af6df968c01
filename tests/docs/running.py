"""How a block of each language is run."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from jsonschema_rs import Draft202012Validator

from sidecar.alerts.channels.webhook import document as notice_document
from sidecar.alerts.condition import parse_condition
from sidecar.alerts.notice import Notice
from sidecar.dialects import DialectSettings, decode
from sidecar.review.labels import read_labels
from sidecar.training.result import result_of
from tests.docs.blocks import Block
from tests.docs.placeholder import PLACEHOLDERS
from tests.docs.world import World
from tests.kit.build import exchange
from tests.kit.sidecar import ask

FILL = Path(__file__).with_name("placeholder.py")
SHELL_S = 150.0
CURL = 'curl() { command curl --fail "$@"; }\n'
"""An answer of 400 or more is an example that does not work."""
UPSTREAM = {"upstreams": [{"name": "A", "url": "http://127.0.0.1:8000"}, {"name": "B", "url": "http://127.0.0.1:9000"}]}
_SECRET = re.compile(r"/run/secrets/([\w.-]+)")
_CAPITALS = re.compile(r"[A-Z]{2}[A-Z_]*")
_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"}


def run_python(block: Block, world: World) -> None:
    """In the page's namespace and folder; a traceback shows the page's line."""
    world.begin()
    code = compile("\n" * block.line + world.told(block.text), block.page, "exec")
    wanted = block.how.get("raises")
    try:
        with contextlib.chdir(world.folder):
            exec(code, world.names)
    except Exception as error:
        if type(error).__name__ != wanted:
            raise
        return
    assert wanted is None, f"{block}: did not raise {wanted}"


def run_shell(block: Block, world: World) -> None:
    """By bash in the page's folder, every command of it must succeed, or its last one end as the marker says."""
    if "serves" in block.how or "serves on" in block.how:
        world.serve(filled(world.told(block.text)), goes_on="serves on" in block.how)
        return
    world.begin()
    script = filled(world.told(block.text))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", CURL + script],
        cwd=world.folder,
        env=world.environment(),
        capture_output=True,
        text=True,
        timeout=SHELL_S,
        check=False,
    )
    said = f"{block}: exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert done.returncode == int(block.how.get("exits", 0)), said


def filled(script: str) -> str:
    """The script with commands in place of its placeholders. Raises ValueError for capitals that stand for nothing.

    >>> filled("sidecar review confirm NONSENSE")
    Traceback (most recent call last):
    ...
    ValueError: 'NONSENSE' stands for nothing, expected a real value or one of ITEM, JOB, VERSION, PREDICTION_ID
    """
    script = script.replace(".venv/bin/sidecar", "sidecar")
    words = shlex.split(script, comments=True)
    for word in words:
        if _CAPITALS.fullmatch(word) and word not in PLACEHOLDERS and word not in _METHODS and "<<" not in script:
            raise ValueError(f"{word!r} stands for nothing, expected a real value or one of {', '.join(PLACEHOLDERS)}")
    command = shlex.join([sys.executable, str(FILL)])
    names = "|".join(PLACEHOLDERS)
    lines = []
    for line in script.splitlines():
        code, comment, rest = line.partition(" # ")
        lines.append(re.sub(rf"(?<![\w$-])({names})\b(?![=-])", rf'"$({command} \1)"', code) + comment + rest)
    return "\n".join(lines)


def run_yaml(block: Block, folder: Path) -> None:
    """A part of the configuration passes ``sidecar check-config`` in a file that has all that it leaves out, and where
    the secrets it names are there."""
    text = _SECRET.sub(lambda found: str(folder / found[1]), block.text)
    for name in _SECRET.findall(block.text):
        (folder / name).write_text("not so secret, but long enough\n")
    document = yaml.safe_load(text)
    assert isinstance(document, dict), f"{block}: not a mapping"
    text = text if "upstreams" in document else yaml.safe_dump(UPSTREAM) + text
    file = folder / "part.yaml"
    file.write_text(text)
    command = [sys.executable, "-m", "sidecar", "check-config", str(file)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SHELL_S, check=False)
    assert done.returncode == 0, f"{block}: {done.stderr}"


def run_scrape(block: Block, world: World) -> None:
    """Every target of a scrape configuration answers with the sidecar's metrics."""
    world.begin()
    for job in yaml.safe_load(world.told(block.text))["scrape_configs"]:
        for target in (target for group in job["static_configs"] for target in group["targets"]):
            answer = ask(f"http://{target}{job.get('metrics_path', '/metrics')}")
            assert b"\nsidecar_build_info{" in answer.body, block


def run_json(block: Block, document: dict[str, Any]) -> None:
    """One value, or one a line; each is read as the marker says."""
    try:
        values = [json.loads(block.text)]
    except json.JSONDecodeError:
        values = [json.loads(line) for line in block.text.splitlines()]
    if "schema" in block.how:
        validator = Draft202012Validator(_schema(block.how["schema"], document))
        found = [
            f"{error.instance_path}: {error.message}" for value in values for error in validator.iter_errors(value)
        ]
        assert not found, f"{block}: {found}"
        return
    assert block.how.keys() & {"as", "dialect"}, f"{block}: needs <!-- example: schema NAME --> or what else it is"
    for value in values:
        if "dialect" in block.how:
            decode(exchange(response_body=json.dumps(value).encode()), DialectSettings(block.how["dialect"]))
        else:
            READERS[block.how["as"]](value)


def _schema(name: str, document: dict[str, Any]) -> dict[str, Any]:
    """A component of the API's description, or with dots a property of one, with all that it refers to."""
    component, *fields = name.split(".")
    path = ["components", "schemas", component]
    for field in fields:
        path += ["properties", field]
    schema: Any = document
    for part in path:
        assert part in schema, f"the API has no schema {name!r}"
        schema = schema[part]
    assert {"$ref", "properties", "anyOf", "items", "enum"} & set(schema), f"{name!r} says nothing of what it may be"
    return {"$ref": f"#/{'/'.join(path)}", "components": document["components"]}


def _result(value: Any) -> None:
    _, faults = result_of(value)
    assert not faults, faults


def _webhook(value: Any) -> None:
    assert notice_document(Notice.from_dict(value["data"])).keys() == value.keys()


READERS: dict[str, Callable[[Any], object]] = {
    "condition": parse_condition,
    "labels": read_labels,
    "result": _result,
    "webhook": _webhook,
}
"""What a JSON example may be besides a schema of the API: by whom it is read."""
