"""The main job from end to end: a request through real processes, its figures read back in every place."""

import concurrent.futures
import contextlib
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from sidecar import Client
from tests.kit.following import wait_until_followed
from tests.kit.sidecar import Answer, RunningSidecar, ask, running_sidecar, wait_for

INFER = "/v2/models/det/infer"
ModelServer = Callable[[str], str]


def test_request_is_relayed_recorded_and_summarised(tmp_path: Path, model_server: ModelServer) -> None:
    """The answer comes back unchanged; detections, timing and counts are in API, client and /metrics."""
    upstream = model_server("one")
    with running_sidecar(tmp_path, ["--upstream", upstream]) as sidecar:
        direct = ask(upstream + INFER, b"{}", Content_Type="application/json")
        proxied = ask(sidecar.url(INFER), b"{}", Content_Type="application/json")
        assert (proxied.status, proxied.body) == (direct.status, direct.body)
        name = proxied.headers["X-Prediction-Id"]
        prediction = wait_for(lambda: sidecar.api(f"/api/v1/predictions/{name}"), what="the prediction")
        assert [(row["label"], row["confidence"]) for row in prediction["detections"]] == [
            ("car", 0.875),
            ("person", 0.5),
        ]
        assert prediction["detections"][0]["box"] == [10, 20, 110, 220]
        assert prediction["latency_ms"] >= prediction["upstream_ms"] > 0
        with Client(f"http://127.0.0.1:{sidecar.admin_port}") as client:
            assert client.get_prediction(name).model == "det"
        wait_for(lambda: sidecar.metric("sidecar_requests_total") >= 1, what="the counters")
        page = sidecar.metrics()
        assert 'sidecar_detections_total{class="car",model="det"' in page
        assert sidecar.metric("sidecar_predictions_total") == 1


def test_other_routes_pass_and_are_not_recorded(tmp_path: Path, model_server: ModelServer) -> None:
    """Health and metadata routes are proxied, without an id and without a row."""
    with running_sidecar(tmp_path, ["--upstream", model_server("one")]) as sidecar:
        answer = ask(sidecar.url("/"))
        assert answer.status == 200
        assert "X-Prediction-Id" not in answer.headers
        assert ask(sidecar.url("/nowhere")).status == 404
        assert sidecar.api("/api/v1/predictions")["items"] == []


def test_split_by_camera_is_stable_and_sticks_over_a_restart(tmp_path: Path, model_server: ModelServer) -> None:
    """A camera is always served by the same version, whichever worker it meets, before and after a restart."""
    arguments = ["--upstream", model_server("one"), "--upstream", f"B={model_server('two')}"]
    arguments += ["--split", "0.5", "--unit", "header:X-Camera-Id", "--workers", "2"]

    def served(sidecar: RunningSidecar) -> dict[str, bytes]:
        """The version that served each prediction, twenty cameras twice."""
        wait_for(lambda: len(_versions(sidecar, 20)) == 2, what="the split")  # it begins with the monitor
        wait_until_followed(sidecar, 2)
        answers = [ask(sidecar.url(INFER), b"{}", X_Camera_Id=f"camera-{i % 20}") for i in range(40)]
        versions = [_version(answer) for answer in answers]
        assert versions[:20] == versions[20:]
        return {answer.headers["X-Prediction-Id"]: _version(answer) for answer in answers}

    with running_sidecar(tmp_path, arguments) as sidecar:
        before = served(sidecar)
        wait_for(lambda: set(before) <= set(_all_predictions(sidecar)), what="forty predictions")
        roles = {name: sidecar.api(f"/api/v1/predictions/{name}")["role"] for name in before}
        assert roles == {name: {b"one": "control", b"two": "treatment"}[before[name]] for name in before}
    with running_sidecar(tmp_path, arguments) as sidecar:
        assert list(served(sidecar).values()) == list(before.values())


def _versions(sidecar: RunningSidecar, cameras: int) -> set[bytes]:
    """Those that serve so many cameras."""
    return {_version(ask(sidecar.url(INFER), b"{}", X_Camera_Id=f"camera-{i}")) for i in range(cameras)}


def _version(answer: Answer) -> bytes:
    return answer.body.split(b'"model_version": "')[1][:3]


def test_killed_monitor_fails_no_request_and_loses_no_record(tmp_path: Path, model_server: ModelServer) -> None:
    """With the monitor killed twice under load every request is answered, and every one is recorded once."""
    over = threading.Event()

    def send(sidecar: RunningSidecar) -> list[Answer]:
        answers = []
        while not over.is_set():
            answers.append(ask(sidecar.url(INFER), b"{}"))
        return answers

    with running_sidecar(tmp_path, ["--upstream", model_server("one")]) as sidecar:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            senders = [pool.submit(send, sidecar) for _ in range(4)]
            try:
                for _ in range(2):
                    (monitor,) = wait_for(lambda: sidecar.pids("sidecar: monitor"), what="the monitor")
                    # of a monitor that only starts nothing is known: all records would seem to be new ones
                    seen = wait_for(lambda: set(_all_predictions(sidecar)), what="records")
                    # a frame that is in hand at both crashes would be set aside as poison
                    wait_for(lambda seen=seen: set(_all_predictions(sidecar)) - seen, what="new records")
                    os.kill(monitor, signal.SIGKILL)
                    wait_for(lambda old=monitor: old not in sidecar.pids("sidecar: monitor"), what="its end")
            finally:
                over.set()
        answers = [answer for sender in senders for answer in sender.result()]
        assert {answer.status for answer in answers} == {200}
        names = {answer.headers["X-Prediction-Id"] for answer in answers}
        with contextlib.suppress(TimeoutError):  # what is missing then, and why, is told below
            wait_for(lambda: len(_all_predictions(sidecar)) >= len(names))
        recorded = _all_predictions(sidecar)
        assert len(names - set(recorded)) == 0, sidecar.api("/api/v1/status")["dropped"]
        assert sorted(recorded) == sorted(names)


def _all_predictions(sidecar: RunningSidecar) -> list[str]:
    names: list[str] = []
    cursor = ""
    while (page := sidecar.api(f"/api/v1/predictions?limit=500{cursor}")) is not None:
        names += [row["prediction_id"] for row in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    return names


def test_killed_worker_is_restarted_and_its_queue_is_served(tmp_path: Path, model_server: ModelServer) -> None:
    """Only requests in the killed worker's hands fail; those that come after wait for its successor."""
    with running_sidecar(tmp_path, ["--upstream", model_server("one")]) as sidecar:
        (worker,) = sidecar.pids("sidecar: worker 0")
        os.kill(worker, signal.SIGKILL)
        assert ask(sidecar.url(INFER), b"{}").status == 200
        assert sidecar.pids("sidecar: worker 0") != [worker]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_drain_finishes_what_is_in_flight(tmp_path: Path, model_server: ModelServer, number: int) -> None:
    """A request that takes long is answered although the sidecar was told to stop meanwhile; nothing stays."""
    model = model_server("one")
    with running_sidecar(tmp_path, ["--upstream", model], SIDECAR_LIMITS__DRAIN_GRACE_S="120") as sidecar:
        ask(f"{model}/behave", b'{"held": true}')
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            slow = pool.submit(ask, sidecar.url("/sleep"))
            try:
                wait_for(lambda: sidecar.metric("sidecar_requests_in_flight") == 1, what="the request in flight")
                sidecar.process.send_signal(number)
                wait_for(lambda: _drains(sidecar), what="the drain")
                assert not slow.done()
            finally:
                ask(f"{model}/behave", b'{"held": false}')
            assert slow.result().status == 200
        assert sidecar.process.wait(60) == 0
        assert not sidecar.pids("sidecar: ")


def _drains(sidecar: RunningSidecar) -> bool:
    return bool(json.loads(ask(f"http://127.0.0.1:{sidecar.health_port}/readyz").body)["draining"])


def test_killed_supervisor_leaves_no_orphans(tmp_path: Path, model_server: ModelServer) -> None:
    """Children drain when the supervisor's pipe closes, however it ended."""
    with running_sidecar(tmp_path, ["--upstream", model_server("one")]) as sidecar:
        children = sidecar.pids("sidecar: ")
        assert len(children) == 2
        sidecar.process.kill()
        sidecar.process.wait(30)
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), what="the children's end")


def test_second_sidecar_on_the_same_folder_or_port_says_so(tmp_path: Path, model_server: ModelServer) -> None:
    """Two never share a store or a port; the message names the flag that would help."""
    upstream = model_server("one")
    again = running_sidecar(tmp_path, ["--upstream", upstream])
    with running_sidecar(tmp_path, ["--upstream", upstream]):  # noqa: SIM117 - only the second may raise
        with pytest.raises(RuntimeError, match=r"--data-dir .*: in use by another sidecar"):
            again.__enter__()


def test_ab_test_begun_at_run_time_reaches_the_workers_and_survives(tmp_path: Path, model_server: ModelServer) -> None:
    """A split asked for through the API holds for the next requests and after a restart, and can be stopped."""
    file = tmp_path / "sidecar.yaml"
    urls = {"A": model_server("one"), "B": model_server("two")}
    rows = "".join(f"- {{name: {name}, url: '{url}'}}\n" for name, url in urls.items())
    file.write_text(f"upstreams:\n{rows}")

    with running_sidecar(tmp_path, ["--config", str(file)]) as sidecar:
        assert _versions(sidecar, 20) == {b"one"}
        with Client(f"http://127.0.0.1:{sidecar.admin_port}") as client:
            test = client.create_ab_test("Try", "A", "B", {"traffic_split": 0.5, "guardrails": []})
            wait_for(lambda: len(_versions(sidecar, 20)) == 2, what="the split")
    with running_sidecar(tmp_path, ["--config", str(file)]) as sidecar:
        wait_for(lambda: len(_versions(sidecar, 20)) == 2, what="the split after a restart")
        with Client(f"http://127.0.0.1:{sidecar.admin_port}") as client:
            client.stop_ab_test(test.id)
        wait_for(lambda: _versions(sidecar, 20) == {b"one"}, what="the end of the split")


@pytest.mark.parametrize(
    ("slice_by", "expected"), [("route", "/v2/models/{model}/infer"), ("header:X-Camera-Id", "camera-7"), ("", "")]
)
def test_traffic_is_sliced_as_configured(
    tmp_path: Path, model_server: ModelServer, slice_by: str, expected: str
) -> None:
    """A prediction bears its slice: the route as its pattern has it, a header's value, or none."""
    file = tmp_path / "sidecar.yaml"
    file.write_text(f"upstreams: [{{name: A, url: '{model_server('one')}'}}]\nslice_by: '{slice_by}'\n")
    with running_sidecar(tmp_path, ["--config", str(file)]) as sidecar:
        name = ask(sidecar.url(INFER), b"{}", X_Camera_Id="camera-7").headers["X-Prediction-Id"]
        prediction = wait_for(lambda: sidecar.api(f"/api/v1/predictions/{name}"), what="the prediction")
        assert prediction["slice"] == expected


def test_reload_that_could_not_be_saved_is_made_up_for(tmp_path: Path, model_server: ModelServer) -> None:
    """A disk that does not take the settings delays a reload; it is not forgotten."""
    file = tmp_path / "sidecar.yaml"
    text = f"upstreams: [{{name: A, url: '{model_server('one')}'}}]\n"
    file.write_text(text)
    with running_sidecar(tmp_path, ["--config", str(file)]) as sidecar:
        in_the_way = sidecar.data_dir / "settings.json.partial"
        in_the_way.mkdir()
        file.write_text(f"{text}slice_by: route\n")
        sidecar.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "reload_not_saved" in sidecar.log.read_text(), what="the refusal")
        assert sidecar.api("/api/v1/settings")["slice_by"] == ""
        in_the_way.rmdir()
        wait_for(lambda: sidecar.api("/api/v1/settings")["slice_by"] == "route", what="the reload")
