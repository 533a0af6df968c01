"""A LitServe server that answers in the shape of Ultralytics' prediction API with FastestDet's detections.

``POST /predict`` takes a multipart field ``file`` or JSON ``{"image": base64}``. Runs in LitServe's own environment:
``python litserve_app.py PORT WEIGHTS NAMES MODULE``.
"""

# No postponed annotations: LitServe looks at decode_request's to see what it is to be given.
import base64
import importlib.util
import sys
from pathlib import Path

import litserve
from fastapi import Request


class DetectorAPI(litserve.LitAPI):
    def setup(self, device: str) -> None:
        weights, names, module_file = map(Path, sys.argv[2:5])
        spec = importlib.util.spec_from_file_location("fastestdet", module_file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.detector = module.FastestDet(weights, names)

    def decode_request(self, request: Request) -> bytes:
        if "image" in request:
            return base64.b64decode(request["image"])
        return request["file"].file.read()

    def predict(self, picture: bytes) -> object:
        return self.detector.detect(picture)

    def encode_response(self, found: object) -> dict[str, object]:
        results = [
            {
                "name": self.detector.names[index],
                "class": index,
                "confidence": round(score, 5),
                "box": dict(zip(("x1", "y1", "x2", "y2"), (round(side, 3) for side in box), strict=True)),
            }
            for box, score, index in zip(
                found.boxes.tolist(), found.scores.tolist(), found.classes.tolist(), strict=True
            )
        ]
        return {
            "images": [{"shape": [found.height, found.width], "results": results}],
            "metadata": {"model": "fastestdet"},
        }


if __name__ == "__main__":
    server = litserve.LitServer(DetectorAPI(), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, num_api_servers=1)
