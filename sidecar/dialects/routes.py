"""The prediction routes of the known model servers, as plain patterns that a proxy worker matches."""

from __future__ import annotations

from dataclasses import replace

from sidecar.types import RoutePattern

_POST = ("POST",)

ROUTES: tuple[RoutePattern, ...] = (
    RoutePattern(_POST, "/v2/models/{model}/infer", "kserve_v2"),
    RoutePattern(_POST, "/v2/models/{model}/versions/{version}/infer", "kserve_v2"),
    RoutePattern(_POST, "/v1/models/{model}:predict", "tensorflow_serving"),
    RoutePattern(_POST, "/v1/models/{model}/versions/{version}:predict", "tensorflow_serving"),
    RoutePattern(_POST, "/v1/models/{model}/labels/{label}:predict", "tensorflow_serving"),
    RoutePattern(_POST, "/predictions/{model}", "torchserve"),
    RoutePattern(_POST, "/predictions/{model}/{version}", "torchserve"),
    RoutePattern(_POST, "/infer/object_detection", "roboflow"),
    RoutePattern(_POST, "/{project}/{version:int}", "roboflow"),
    # Ultralytics, LitServe, KServe's custom servers, BentoML and SageMaker share these paths: the body decides.
    RoutePattern(_POST, "/predict", "auto"),
    RoutePattern(_POST, "/detect", "auto"),
    RoutePattern(_POST, "/invocations", "auto"),
    RoutePattern(_POST, "/v1/vision/detection", "auto"),
)

NAMES: tuple[str, ...] = ("auto", "kserve_v2", "tensorflow_serving", "torchserve", "roboflow", "ultralytics")
"""Every dialect that a route or a setting may name."""


def routes_for(dialect: str, model: str = "") -> tuple[RoutePattern, ...]:
    """The routes of one dialect; ``auto`` has them all. ``model`` names the model where a path has no ``{model}``.

    ``ultralytics`` has the bare paths of ``auto``, read as Ultralytics only. Raises ValueError for an unknown dialect.

    >>> [route.path for route in routes_for("torchserve")]
    ['/predictions/{model}', '/predictions/{model}/{version}']
    >>> routes_for("ultralytics", model="yolo11n")[0].model
    'yolo11n'
    """
    if dialect not in NAMES:
        raise ValueError(f"dialect: {dialect!r} is none of {', '.join(NAMES)}")
    if dialect == "ultralytics":
        chosen = [replace(route, dialect=dialect) for route in ROUTES if route.path == "/predict"]
    else:
        chosen = [route for route in ROUTES if dialect in ("auto", route.dialect)]
    if model:
        chosen = [route if "{model}" in route.path else replace(route, model=model) for route in chosen]
    return tuple(chosen)
