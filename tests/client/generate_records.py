"""Makes the kinds of records that the client gives of the types that the API gives:
``python -m tests.client.generate_records [--write]``.

The client knows nothing of the server's code, so its kinds are text of their own in ``sidecar/client/records``; this
holds both together. Without ``--write`` it only says which modules are not as they would be made.
"""

from __future__ import annotations

import inspect
import keyword
import sys
import textwrap
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sidecar.api.handlers import ROUTES
from sidecar.api.routes import Route
from sidecar.api.schemas import Out
from sidecar.client import Record
from tests.client.tidying import tidied

FOLDER = Path(__file__).resolve().parents[2] / "sidecar" / "client" / "records"
SCORES = ("class_drift", "confidence_drift", "count_drift", "box_drift", "input_drift")
AVERAGES = (
    *("avg_confidence", "avg_latency_ms", "p50_latency_ms", "p99_latency_ms", "feedback_score", "error_rate"),
    *("detections_per_image", "no_detection_rate", "undecodable_rate", "slow_rate", "feedback_completeness"),
    *("user_feedback_score", "user_feedback_rate"),
)
OVERVIEW = (
    *("request_rate", "error_rate", "p50_latency_ms", "p90_latency_ms", "p99_latency_ms"),
    *("avg_confidence", "detections_per_image", "no_detection_rate"),
)
COMPARED = ("model_a", "model_b", "difference", "relative_difference")
FIGURES: Mapping[str, tuple[str, ...]] = {
    "AbFigures": AVERAGES,
    "AbMetric": COMPARED,
    "AbPoint": ("difference", "ratio", "low", "high", "p_value", "p_value_lowest"),
    "BandPrecision": ("precision", "lower", "upper"),
    "ClassPrecision": ("precision", "lower", "upper"),
    "DriftFindings": SCORES,
    "Feedback": ("score",),
    "FeedbackScore": ("value", "lower", "upper", "completeness"),
    "ItemDetection": ("score",),
    "Model": ("metrics",),
    "ModelVersion": ("metrics",),
    "OverviewFigures": OVERVIEW,
    "PairAgreement": ("image_rate", "box_rate", "mean_disagreement", "mean_iou"),
    "PairBoxes": ("change", "missed_rate", "extra_rate", "flip_rate"),
    "ShadowBounded": ("difference", "low", "high"),
    "ShadowPoint": ("image_rate", "box_rate", "mean_disagreement", "missed_rate", "extra_rate", "flip_rate"),
    "ThresholdFound": ("precision", "lower", "kept_share"),
    "PreviewFiring": ("peak_value",),
    "PreviewPoint": ("value",),
    "TimeSeriesPoint": ("value",),
    "TrainingJob": ("metrics",),
    "UsersShare": ("value",),
    "VersionScore": ("value", "lower", "upper"),
}
"""Fields that the client makes NaN where they are null, so that they can be formatted as numbers."""
TIMES = ("at", "since", "until", "start")
"""Names of moments, beside those that end in ``_at`` or ``_until``."""
METHODS = frozenset(dir(Record))
"""Names of a record's own: such a field is reached by its key alone."""
LISTS = ({"items", "next"}, {"items"}, {"results"})
"""The fields of what is a list, or a page of one: the client gives the list itself."""
NOTICE = "Made by tests/client/generate_records.py: change the API's types and make it anew."


def name_of(model: type[BaseModel]) -> str:
    """What the client calls a type of the API."""
    return model.__name__.removesuffix("Out")


def method_of(route: Route) -> str:
    """What the client calls what an endpoint does, where it has a method for it."""
    return route.operation or route.handler.__name__


def models() -> dict[str, list[type[BaseModel]]]:
    """The types that are given, with those within them, by the module of records they go to, in their order."""
    found: dict[type[BaseModel], None] = {}
    for route in ROUTES:
        if route.gives is not None:
            _gather(route.gives, found)
    by_module: dict[str, list[type[BaseModel]]] = {}
    for model in found:
        if set(model.model_fields) not in LISTS:
            by_module.setdefault(_module_of(model), []).append(model)
    return {
        name: sorted(entries, key=lambda model: inspect.getsourcelines(model)[1])
        for name, entries in sorted(by_module.items())
    }


def _module_of(model: type[BaseModel]) -> str:
    return model.__module__.rpartition(".")[2].removeprefix("schemas").strip("_") or "traffic"


def _base_of(model: type[BaseModel]) -> type[BaseModel] | None:
    """The type it is a special case of, if any."""
    base = model.__mro__[1]
    return None if base in (Out, BaseModel) else base


def _gather(model: type[BaseModel], found: dict[type[BaseModel], None]) -> None:
    if model in found:
        return
    base = _base_of(model)
    if base is not None:
        _gather(base, found)
    for annotation in _own_hints(model).values():
        for inner in models_in(annotation):
            _gather(inner, found)
    found[model] = None


def _own_hints(model: type[BaseModel]) -> dict[str, Any]:
    """The types of the fields that a type adds to its base's, by the names they have in JSON."""
    hints, own = typing.get_type_hints(model, include_extras=True), inspect.get_annotations(model)
    return {
        model.model_fields[name].alias or name: hint
        for name, hint in hints.items()
        if name in own and name in model.model_fields
    }


def models_in(hint: Any) -> Iterator[type[BaseModel]]:
    """The types of the API within a type."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
    for part in typing.get_args(hint):
        yield from models_in(part)


def module_text(name: str, entries: list[type[BaseModel]]) -> str:
    """The text of one module of records."""
    needed = {inner for model in entries for hint in _own_hints(model).values() for inner in models_in(hint)}
    needed |= {base for model in entries if (base := _base_of(model)) is not None}
    imports = "".join(
        f"from sidecar.client.records.{_module_of(model)} import {name_of(model)}\n"
        for model in sorted(needed - set(entries), key=name_of)
    )
    return (
        f'"""Records of {name.replace("_", " ").replace("ab ", "A/B ")}.\n\n{NOTICE}\n"""\n\n'
        "from __future__ import annotations\n\nfrom typing import Any, Literal\n\n"
        f"{imports}from sidecar.client.results import ByName, Document, Figure, Record, Records, Time\n\n\n"
        + "\n\n\n".join(map(_class_text, entries))
    )


def _class_text(model: type[BaseModel]) -> str:
    base = _base_of(model)
    doc = inspect.cleandoc(model.__doc__ or "")
    end = '\n"""' if (model.__doc__ or "").endswith((" ", "\n")) else '"""'
    lines = [f'"""{doc}{end}', ""]
    for field, hint in _own_hints(model).items():
        if field in METHODS or not field.isidentifier() or keyword.iskeyword(field):
            lines.append(f'# and by its key alone: ["{field}"], {_text(hint)}')
        else:
            lines.append(f"{field}: {_field_text(name_of(model), field, hint)}")
    head = f"class {name_of(model)}({name_of(base) if base else 'Record'}):"
    return f"{head}\n{textwrap.indent(chr(10).join(lines), '    ')}\n"


def _field_text(kind: str, field: str, hint: Any) -> str:
    text = _text(hint)
    if field in FIGURES.get(kind, ()):
        return text.replace("float | None", "Figure")
    if field in TIMES or field.endswith(("_at", "_until")):
        return text.replace("float", "Time").replace("int", "Time")
    return text


def _text(hint: Any) -> str:
    """A type of the API in the words of the client."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _text(parts[0])
    if origin in (typing.Union, types.UnionType):
        return " | ".join("None" if part is type(None) else _text(part) for part in parts)
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(repr, parts))}]"
    if origin in (list, tuple):
        inner = _text(parts[0])
        return f"Records[{inner}]" if inner == "Document" or any(models_in(parts[0])) else f"list[{inner}]"
    if origin is dict:
        return "Document" if parts[1] is Any else f"ByName[{_text(parts[1])}]"
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return name_of(hint)
    return "Any" if hint is Any else str(hint.__name__)


def texts() -> dict[str, str]:
    """The text of every module, by its file's name."""
    by_module = models()
    made = {f"{name}.py": tidied(module_text(name, entries)) for name, entries in by_module.items()}
    names = {name_of(model): name for name, entries in by_module.items() for model in entries}
    imports = "".join(f"from sidecar.client.records.{module} import {name}\n" for name, module in names.items())
    exported = "".join(f'    "{name}",\n' for name in sorted(names))
    doc = f'"""What the API gives, by kind.\n\n{NOTICE}\n"""'
    made["__init__.py"] = tidied(f"{doc}\n\n{imports}\n__all__ = [\n{exported}]\n", "I")
    return made


def stale(write: bool) -> list[str]:
    """The modules that are not as they would be made; they are made anew where told to."""
    made = texts()
    found = [name for name, text in made.items() if not (FOLDER / name).exists() or (FOLDER / name).read_text() != text]
    gone = [path.name for path in FOLDER.glob("*.py") if path.name not in made]
    if write:
        FOLDER.mkdir(exist_ok=True)
        for name in found:
            (FOLDER / name).write_text(made[name])
        for name in gone:
            (FOLDER / name).unlink()
    return [*found, *gone]


if __name__ == "__main__":
    writes = "--write" in sys.argv[1:]
    for module in stale(writes):
        print(f"{'written' if writes else 'stale'}: {module}")
