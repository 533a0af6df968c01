"""A request whose image is a picture of its own, sent to a sidecar."""

from __future__ import annotations

import io
import json

from PIL import Image

from tests.kit.sidecar import RunningSidecar, ask


def send_picture(sidecar: RunningSidecar, model: str, number: int) -> str:
    """The prediction id; each number has a picture of its own colour."""
    picture = io.BytesIO()
    Image.new("RGB", (480, 320), (number * 10 % 256, 80, 200 - number)).save(picture, "PNG")
    element = len(picture.getvalue()).to_bytes(4, "little") + picture.getvalue()
    tensor = {"name": "image", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": len(element)}}
    head = json.dumps({"inputs": [tensor]}).encode()
    answer = ask(
        sidecar.url(f"/v2/models/{model}/infer"),
        head + element,
        Inference_Header_Content_Length=str(len(head)),
        Content_Type="application/octet-stream",
        X_Request_Id=f"frame-{number}",
    )
    assert answer.status == 200
    return answer.headers["X-Prediction-Id"]
