"""What a person asks for when a training job is created, and everything that is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.recording.loop_rows import VersionRow
from sidecar.training.faults import TrainingFault
from sidecar.training.job import Job, Kind
from sidecar.training.result import Faults
from sidecar.training.settings import MANUAL, CommandTrainer, Trainer, trainer_of

NAME_CHARACTERS_MAX = 200


def asked_job(
    job_id: str,
    name: str,
    version: VersionRow | None,
    of: tuple[str, str],
    base_model_id: str,
    trainer: str | None,
    trainers: Sequence[Trainer],
    now: float,
    by: str = "",
    base_fault: str = "",
) -> Job:
    """A queued job of the dataset and version ``of``; ``version`` is what is known of that. ``trainer``: a name,
    ``manual``, or None (or "") for the one that fits the model best, people where there is none. ``base_fault`` is why
    the base names no version that is known.

    Raises TrainingFault with every fault.
    """
    dataset_id, version_id = of
    faults: Faults = []
    words = {"name": name, "base_model_id": base_model_id, **({"by": by} if by else {})}
    faults += [(place, fault) for place, text in words.items() if (fault := _word_fault(text))]
    if not _word_fault(base_model_id) and (fault := _model_fault(base_model_id) or base_fault):
        faults.append(("base_model_id", fault))
    if version is None or version.dataset_id != dataset_id:
        faults.append(("version_id", f"the dataset {dataset_id[:100]!r} has no version {version_id[:100]!r}"))
    job = Job(job_id, name, dataset_id, version_id, base_model_id, "", "manual", "queued", now, by=by)
    chosen = _chosen(job.model, trainer, trainers, faults)
    if faults:
        (place, message), *others = faults
        raise TrainingFault(place, message, *others)
    trainer_name = "" if chosen is None else chosen.name
    return Job(
        *(job_id, name, dataset_id, version_id, base_model_id, trainer_name), _kind(chosen), "queued", now, by=by
    )


def _chosen(model: str, name: str | None, trainers: Sequence[Trainer], faults: Faults) -> Trainer | None:
    """The trainer of a new job; None for people."""
    if name == MANUAL:
        return None
    if not name:
        return trainer_of(trainers, model)
    trainer = next((item for item in trainers if item.name == name), None)
    if trainer is None:
        known = " or ".join([*(item.name for item in trainers), MANUAL])
        faults.append(("trainer", f"no trainer is called {name[:100]!r}, expected {known}"))
    elif trainer.models and model not in trainer.models:
        faults.append(("trainer", f"{name!r} trains {' and '.join(trainer.models)} only, not {model[:100]!r}"))
    return trainer


def _kind(trainer: Trainer | None) -> Kind:
    if trainer is None:
        return "manual"
    return "command" if isinstance(trainer, CommandTrainer) else "webhook"


def _model_fault(base_model_id: str) -> str:
    """Why it names no model; "" where it does.

    >>> _model_fault("det@"), _model_fault("det@2"), _model_fault("det")
    ('must be a model, or a model and its version as name@version', '', '')
    """
    model, at, version = base_model_id.rpartition("@")
    if (at and not (model.strip() and version.strip())) or not base_model_id.strip():
        return "must be a model, or a model and its version as name@version"
    return ""


def _word_fault(text: str) -> str:
    """Why ``text`` is no name; "" where it is one. None begins with a dash: a command could take it for an option."""
    if not 1 <= len(text) <= NAME_CHARACTERS_MAX or not text.isprintable() or text.startswith("-"):
        return f"must be one line of 1 to {NAME_CHARACTERS_MAX} characters that does not begin with -"
    return ""
