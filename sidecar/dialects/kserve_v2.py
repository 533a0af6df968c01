"""KServe V2 (Open Inference Protocol): Triton, MLServer, KServe, OpenVINO Model Server; JSON and binary tensors.

Format: the Open Inference Protocol (kserve/open-inference-protocol, rest/inference_rest.md) and, for tensors after
the JSON part, Triton's extension (triton-inference-server/server, docs/protocol/extension_binary_data.md): blobs in
the order of the outputs, little-endian, row-major; BOOL is a byte, BYTES are elements of a u32 length and
as many bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from sidecar.dialects.columns import Array, RawImage
from sidecar.dialects.reply import Reply
from sidecar.dialects.roles import images_of, roles_of
from sidecar.dialects.terms import Undecodable

DTYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype("?"),
    "INT8": np.dtype("<i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "UINT8": np.dtype("<u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
OUTPUTS_MAX = 256
AXES_MAX = 8
ELEMENTS_MAX = 1 << 26


def recognises(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("outputs"), list):
        return False
    return all(isinstance(output, dict) and "shape" in output and "name" in output for output in value["outputs"])


def decode(reply: Reply) -> list[RawImage]:
    """The images of an inference response. Raises Undecodable."""
    outputs = reply.value.get("outputs") if isinstance(reply.value, dict) else None
    if not isinstance(outputs, list):
        raise Undecodable("unknown_format", "no list of outputs")
    if len(outputs) > OUTPUTS_MAX:
        raise Undecodable("too_large", f"{len(outputs)} outputs, at most {OUTPUTS_MAX}")
    version = reply.value.get("model_version")
    if isinstance(version, str):
        reply.model_version = version
    placed = _placed(outputs, reply.tail)
    roles = roles_of(placed, reply.settings.outputs)
    if not roles and len(placed) == 1:
        roles["boxes"] = next(iter(placed))  # one output of any name: [B, N, 6], or it says what it lacks
    columns = {role: _column(*placed[name]) for role, name in roles.items()}
    box_format = "xyxy"
    if roles.get("boxes") == "detection_boxes" and _is_tensorflow(placed, roles):
        box_format = "yxyx"
    return images_of(reply, columns, box_format)


def _is_tensorflow(placed: dict[str, tuple[dict[str, Any], memoryview | None]], roles: dict[str, str]) -> bool:
    """TensorFlow's exported detectors share TensorRT's names, but number classes and counts in floats."""
    name = roles.get("classes", "")
    return name == "detection_classes" and placed[name][0].get("datatype") == "FP32"


def _placed(outputs: list[Any], tail: memoryview) -> dict[str, tuple[dict[str, Any], memoryview | None]]:
    """Name -> (output, its bytes after the JSON part or None where its data is in the JSON)."""
    placed: dict[str, tuple[dict[str, Any], memoryview | None]] = {}
    start = 0
    for output in outputs:
        if not isinstance(output, dict) or not isinstance(output.get("name"), str):
            raise Undecodable("shape", "an output without a name")
        blob = None
        parameters = output.get("parameters")
        size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
        if size is not None:
            if not isinstance(size, int) or size < 0:
                raise Undecodable("shape", f"binary_data_size of {output['name'][:80]}: {size!r:.40}")
            if start + size > len(tail):
                raise Undecodable("truncated", f"{output['name'][:80]} ends at {start + size} of {len(tail)} bytes")
            blob = tail[start : start + size]
            start += size
        placed[output["name"]] = (output, blob)
    return placed


def _column(output: dict[str, Any], blob: memoryview | None) -> Array | list[str]:
    """One tensor: an array of its shape, or for BYTES the list of its texts."""
    shape, elements = checked_shape(output.get("shape"), output["name"])
    datatype = output.get("datatype")
    if blob is not None:
        if datatype == "BYTES":
            return texts(blob, elements)
        return from_bytes(blob, datatype, shape, elements)
    values = output.get("data")
    if not isinstance(values, list):
        raise Undecodable("missing_output", f"{output['name'][:80]} has no data")
    if datatype == "BYTES":
        return _flat_texts(values, elements)
    if datatype not in DTYPES:
        raise Undecodable("shape", f"datatype {datatype!r:.40}")
    return from_list(values, elements).reshape(shape)


def checked_shape(shape: Any, name: str) -> tuple[list[int], int]:
    """(``shape``, its number of elements). Raises Undecodable where it is none or has more than ELEMENTS_MAX."""
    elements = bounded = 1
    if isinstance(shape, list) and len(shape) <= AXES_MAX:
        for length in shape:
            if type(length) is not int or length < 0:
                break
            elements *= length
            bounded *= length or 1
            if bounded > ELEMENTS_MAX:
                break
        else:
            return shape, elements
    raise Undecodable("shape", f"shape of {name[:80]}: {shape!r:.60}")


def from_bytes(blob: memoryview, datatype: Any, shape: Sequence[int], elements: int) -> Array:
    """A binary tensor as it lies, without a copy. Raises Undecodable where its size is not its shape's."""
    dtype = DTYPES.get(datatype) if isinstance(datatype, str) else None
    if dtype is None and datatype == "BF16" and len(blob) == 2 * elements:  # the upper half of a float32
        return (np.frombuffer(blob, "<u2").astype("<u4") << 16).view("<f4").reshape(shape)
    if dtype is None:
        raise Undecodable("shape", f"datatype {datatype!r:.40}")
    if len(blob) != elements * dtype.itemsize:
        raise Undecodable("shape", f"{len(blob)} bytes for {elements} elements of {datatype}")
    return np.frombuffer(blob, dtype).reshape(shape)


def from_list(values: list[Any], elements: int) -> Array:
    """JSON numbers, flat or nested, as float64 [elements]. Raises Undecodable("shape")."""
    axes = 0
    while values and isinstance(values[0], list):
        axes += 1
        if axes > AXES_MAX:
            raise Undecodable("shape", f"data nested in more than {AXES_MAX} lists")
        values = list(chain.from_iterable(values))
    if len(values) != elements:
        raise Undecodable("shape", f"{len(values)} values for {elements} elements")
    try:
        return np.fromiter(values, np.float64, elements)
    except (TypeError, ValueError, OverflowError) as error:
        raise Undecodable("shape", str(error)[:200]) from None


def _flat_texts(values: list[Any], elements: int) -> list[str]:
    while values and isinstance(values[0], list):
        values = list(chain.from_iterable(values))
    if len(values) != elements or not all(isinstance(value, str) for value in values):
        raise Undecodable("shape", f"{len(values)} texts for {elements} elements")
    return values


def elements_of(blob: memoryview, count: int) -> list[bytes]:
    """The elements of a binary BYTES tensor. Raises Undecodable where they are not ``count`` or end early."""
    found: list[bytes] = []
    at = 0
    while at < len(blob):
        end = at + 4 + int.from_bytes(blob[at : at + 4], "little")
        if end > len(blob) or len(found) == count:
            raise Undecodable("shape", f"BYTES of {len(blob)} bytes are not {count} elements")
        found.append(bytes(blob[at + 4 : end]))
        at = end
    if len(found) != count:
        raise Undecodable("shape", f"{len(found)} elements of BYTES, expected {count}")
    return found


def texts(blob: memoryview, count: int) -> list[str]:
    return [element.decode("utf-8", "replace") for element in elements_of(blob, count)]
