"""Asks a KServe V2 server with tritonclient[http]: ``python triton_infer.py HOST:PORT MODEL PHOTO...``.

Prints a JSON list: per photo X-Prediction-Id and the reply as tritonclient understood them. JSON tensors only, which is
all that MLServer speaks.
"""

import base64
import json
import sys
from pathlib import Path

import numpy as np
import tritonclient.http as triton

address, model, *photos = sys.argv[1:]


class NotingClient(triton.InferenceServerClient):
    """Notes a header of the last response, which the results of tritonclient don't give away."""

    prediction_id = None

    def _post(self, *arguments, **named):
        response = super()._post(*arguments, **named)
        self.prediction_id = response.get("x-prediction-id")
        return response


client = NotingClient(address)
answers = []
for number, photo in enumerate(photos):
    image = triton.InferInput("image", [1], "BYTES")
    image.set_data_from_numpy(
        np.array([base64.b64encode(Path(photo).read_bytes()).decode()], dtype=object), binary_data=False
    )
    outputs = [triton.InferRequestedOutput(name, binary_data=False) for name in ("boxes", "scores", "classes")]
    reply = client.infer(
        model, [image], outputs=outputs, request_id=f"photo-{number}", headers={"Content-Type": "application/json"}
    )
    answers.append(
        {
            "reply": reply.get_response(),
            "boxes": reply.as_numpy("boxes").tolist(),
            "scores": reply.as_numpy("scores").reshape(-1).tolist(),
            "prediction_id": client.prediction_id,
        }
    )
print(json.dumps(answers))
