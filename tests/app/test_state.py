"""What was set at run time."""

from pathlib import Path

from sidecar.app.state import Declared, State, load_state, save_state


def test_saved_state_comes_back(tmp_path: Path) -> None:
    """A restart finds what was saved."""
    declared = {"e": Declared(definition="{}", trial_id="e-2")}
    state = State(version=4, trials=({"trial_id": "e-2"},), production={"det": "B"}, declared=declared)
    save_state(tmp_path, state)
    assert load_state(tmp_path) == state


def test_damaged_file_is_set_aside(tmp_path: Path) -> None:
    """A broken file never keeps the sidecar from starting, and is kept for a look."""
    (tmp_path / "settings.json").write_text("{half")
    assert load_state(tmp_path).trials == ()
    assert next(path.name for path in tmp_path.iterdir()).startswith("settings.json.damaged-")


def test_fresh_state_is_newer_than_a_lost_one() -> None:
    """Workers ignore settings that are not newer than theirs, so a state begun anew must be."""
    assert State().version > 1_700_000_000
