"""A runtime for MLServer that answers the KServe V2 protocol with FastestDet's detections.

Runs in MLServer's own environment; finds weights, class names and the detector's module by environment variables:
FASTESTDET_WEIGHTS, FASTESTDET_NAMES, FASTESTDET_MODULE.
"""

from __future__ import annotations

import base64
import importlib.util
import os
from pathlib import Path

from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse


class DetectorModel(MLModel):
    async def load(self) -> bool:
        spec = importlib.util.spec_from_file_location("fastestdet", os.environ["FASTESTDET_MODULE"])
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.detector = module.FastestDet(Path(os.environ["FASTESTDET_WEIGHTS"]), Path(os.environ["FASTESTDET_NAMES"]))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """BYTES [1] ``image``, a JPEG in base64, to ``boxes`` Nx4 in pixels, ``scores`` N, ``classes`` N names."""
        found = self.detector.detect(self._picture(payload))
        names = [self.detector.names[index] for index in found.classes]
        return InferenceResponse(
            id=payload.id,
            model_name=self.name,
            model_version=self.version,
            outputs=[
                NumpyCodec.encode_output("boxes", found.boxes),
                NumpyCodec.encode_output("scores", found.scores),
                StringCodec.encode_output("classes", names),
            ],
        )

    def _picture(self, payload: InferenceRequest) -> bytes:
        for item in payload.inputs:
            if item.name == "image":
                return base64.b64decode(item.data.root[0])
        raise InferenceError("no input named image")
