"""Reading a configuration."""

from pathlib import Path

import pytest

from sidecar.app.load import ConfigFaults, load_config
from tests.kit.config_faults import faults_of

ROOT = Path(__file__).resolve().parents[2]
UPSTREAM = {"upstreams": [{"name": "A", "url": "http://127.0.0.1:8000"}]}


def test_shipped_file_is_good_and_shows_the_defaults() -> None:
    """config/sidecar.yaml loads, and its values are those that hold without it."""
    assert load_config(ROOT / "config/sidecar.yaml", {}) == load_config(None, UPSTREAM)


def test_example_files_tests_of_versions_can_be_uncommented(tmp_path: Path) -> None:
    """What a person takes the comment sign from is good."""
    text = (ROOT / "config/sidecar.yaml").read_text()
    blocks = [
        "\n".join(line.removeprefix("# ") for line in text[text.index(f"# {name}:") :].split("\n\n")[0].splitlines())
        for name in ("experiments", "shadows")
    ]
    file = tmp_path / "c.yaml"
    upstreams = "upstreams: [{name: A, url: 'http://a'}, {name: B, url: 'http://b'}]\n"
    for block in blocks:
        file.write_text(upstreams + block.replace("#     ", "    "))
        config = load_config(file, {})
        assert len([*config.experiments, *config.shadows]) == 1


def test_all_faults_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    """Each fault names the line and the setting, and says what would be right."""
    text = "listen:\n  port: 99999\n  hots: x\nupstreams:\n  - name: A\n    url: ftp://x\nlog_format: xml\n"
    found = faults_of(tmp_path, text)
    assert [fault.split(": ")[0:2] for fault in found] == [
        ["c.yaml:2", "listen.port"],
        ["c.yaml:3", "listen.hots"],
        ["c.yaml:6", "upstreams[0].url"],
        ["c.yaml:7", "log_format"],
    ]
    assert "expected e.g. http://127.0.0.1:8000" in found[2]


def test_names_that_stand_for_nothing_are_told_at_once(tmp_path: Path) -> None:
    """Doubled and unknown upstream names are found wherever they stand."""
    text = (
        "upstreams:\n- {name: A, url: 'http://a'}\n- {name: A, url: 'http://b'}\n"
        "default_upstream: Q\nexperiments:\n- control: A\n  treatment: C\n  traffic_split: 0.1\n"
    )
    assert [fault.split(": ")[0:2] for fault in faults_of(tmp_path, text)] == [
        ["c.yaml:3", "upstreams[1].name"],
        ["c.yaml:4", "default_upstream"],
        ["c.yaml:7", "experiments[0].treatment"],
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: [", "c.yaml:1: not YAML"),
        ("- 1", "c.yaml:1: must be a mapping"),
        ("listen: {}\nlisten: {}", "c.yaml:2: listen: is given twice"),
        ('routes:\n- model: "a\\ud800"', "c.yaml:2: routes[0].model: has \\ud800, half of a pair"),
        ("", "upstreams: needed"),
        ("upstreams: []", "c.yaml:1: upstreams"),
    ],
)
def test_what_is_no_configuration_is_refused_clearly(tmp_path: Path, text: str, fault: str) -> None:
    """Broken YAML, a list, doubled keys and an empty file each get a sentence."""
    assert faults_of(tmp_path, text)[0].startswith(fault)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A file that isn't there is a fault of that file."""
    with pytest.raises(ConfigFaults, match=r"nowhere\.yaml: can't be read"):
        load_config(tmp_path / "nowhere.yaml", {})


def test_flags_win_over_environment_over_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The later source wins, setting by setting."""
    file = tmp_path / "c.yaml"
    file.write_text("upstreams: [{name: A, url: 'http://a'}]\nlisten: {port: 1, workers: 2, health_port: 3}\n")
    monkeypatch.setenv("SIDECAR_LISTEN__PORT", "11")
    monkeypatch.setenv("SIDECAR_LISTEN__WORKERS", "12")
    listen = load_config(file, {"listen": {"port": 21}}).listen
    assert (listen.port, listen.workers, listen.health_port) == (21, 12, 3)


def test_admin_beyond_loopback_needs_a_token(tmp_path: Path) -> None:
    """The admin port is never open to others without a token."""
    found = faults_of(tmp_path, "upstreams: [{name: A, url: 'http://a'}]\nadmin: {host: 0.0.0.0}\n")
    assert len(found) == 1
    assert found[0].startswith("c.yaml:2: admin.token_file: needed where admin.host is not loopback (it is '0.0.0.0')")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("trusted_proxies: [banana]", "c.yaml:2: trusted_proxies[0]: 'banana' does not appear to be"),
        ("trusted_proxies: [10.0.0.0/33]", "c.yaml:2: trusted_proxies[0]: '10.0.0.0/33'"),
        ("routes: [{path: '/a/{x}/{x}'}]", "c.yaml:2: routes[0].path: '/a/{x}/{x}' is no route"),
        ("health_path: nope", "c.yaml:2: health_path"),
        ("listen: {port: 8081}", "admin.port: 8081 is listen.port too"),
        ("models: [{class_names_file: nowhere.txt}]", "c.yaml:2: models[0].class_names_file: 'nowhere.txt' is no file"),
    ],
)
def test_what_would_stop_a_worker_is_a_fault_of_the_file(tmp_path: Path, line: str, fault: str) -> None:
    """Nothing passes the check that a process would later refuse."""
    (found,) = faults_of(tmp_path, f"upstreams: [{{name: A, url: 'http://a'}}]\n{line}\n")
    assert found.startswith(fault)


def test_unknown_names_are_told_beside_faulty_fields(tmp_path: Path) -> None:
    """One look is enough: what is wrong between fields does not wait until each field is good."""
    text = (
        "listen: {port: 99999}\nupstreams:\n- {name: A, url: 'ftp://a'}\n- {name: A, url: 'http://b'}\n"
        "experiments:\n- {control: A, treatment: C, traffic_split: 0.5, salt: 2}\nadmin: {host: 0.0.0.0}\n"
    )
    assert [fault.split(": ")[:2] for fault in faults_of(tmp_path, text)] == [
        ["c.yaml:1", "listen.port"],
        ["c.yaml:3", "upstreams[0].url"],
        ["c.yaml:4", "upstreams[1].name"],
        ["c.yaml:6", "experiments[0].salt"],
        ["c.yaml:6", "experiments[0].treatment"],
        ["c.yaml:7", "admin.token_file"],
    ]
