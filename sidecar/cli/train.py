"""``sidecar train``: hand a version of a dataset to a trainer, and put what comes of it to the test; and
``sidecar model-versions``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidecar.cli import completing
from sidecar.cli.asking import URL, By, Json, Token, Url, asking, by_whom, fail, none_of, picked
from sidecar.cli.completing import ab_test_metrics, dataset_versions, datasets, model_names, one_of, versions
from sidecar.cli.listing import listing
from sidecar.cli.text import clean, document_text
from sidecar.cli.trials import AB_FLAGS, days_of, given_only, share_number, split_of
from sidecar.cli.typed import document_of, numbers_of, upstream_of

if TYPE_CHECKING:
    from sidecar.client import Client

app = typer.Typer(help="Training jobs and how they stand; without a subcommand they are listed.")

JobId = Annotated[
    str,
    typer.Argument(
        metavar="JOB", help="A job: its id, the beginning of it, or its name.", autocompletion=completing.jobs
    ),
]
Status = Annotated[
    str | None,
    typer.Option(
        help="Only those queued, running, waiting, succeeded, failed, cancelled or timed_out.",
        autocompletion=one_of("queued", "running", "waiting", "succeeded", "failed", "cancelled", "timed_out"),
    ),
]
_FLAGS = {
    "id": "JOB",
    "status": "--status",
    "name": "NAME",
    "dataset_id": "--dataset",
    "version_id": "--version",
    "base_model_id": "--base",
    "trainer": "--trainer",
    "by": "--by",
}
_OF_JOB = {"id": "JOB", "status": "JOB", "by": "--by"}
_REPORT_FLAGS = {
    "id": "JOB",
    "status": "--status",
    "metrics": "--metrics",
    "version": "--version",
    "upstream.url": "--upstream",
    "upstream.path": "--upstream",
    "upstream": "--upstream",
    "progress": "--progress",
    "error": "--error",
}
_DEPLOY_FLAGS = {
    **AB_FLAGS,
    "id": "JOB",
    "status": "JOB",
    "upstream": "JOB",
    "model": "JOB",
    "model_a_id": "JOB",
    "model_b_id": "JOB",
    "model_id": "JOB",
    "shadow_model_id": "JOB",
    "name": "--name",
    "config.share": "--share",
    "config": "--config",
}


@listing(app)
def list_jobs(
    context: typer.Context, status: Status = None, url: Url = URL, token: Token = None, as_json: Json = False
) -> None:
    """Training jobs and how they stand, newest first. The word `list` may be left out."""
    with asking(context, url, token, _FLAGS) as client:
        found = client.training_jobs(status)
    if as_json:
        print(document_text(found))
    elif not found:
        print(none_of("training jobs", "no training jobs; `sidecar train start` begins one", status=status))
    else:
        from rich.console import Console

        from sidecar.cli.show_train import jobs_lines

        jobs_lines(found, Console())


@app.command()
def start(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the job is called.")],
    dataset: Annotated[
        str,
        typer.Option(
            metavar="ID", help="The dataset: its id, the beginning of it, or its name.", autocompletion=datasets
        ),
    ],
    version: Annotated[
        str,
        typer.Option(
            metavar="VERSION", help="And which of its versions, by id or name.", autocompletion=dataset_versions
        ),
    ],
    base: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help="What it goes on from: a model (the version that serves it), or NAME@VERSION.",
            autocompletion=versions,
        ),
    ],
    trainer: Annotated[
        str | None,
        typer.Option(help="One of the configuration, or manual.  \\[default: the one that fits the model best]"),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Until it has ended; exit code 1 where it did not succeed.")
    ] = False,
    by: By = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Hand a version of a dataset to a trainer."""
    with asking(context, url, token, _FLAGS) as client:
        of = picked(client.datasets(), "id", dataset)
        wanted = picked(client.dataset_versions(of), "id", version)
        job = client.create_training_job(name, of, wanted, base, trainer, by_whom(by))
        if wait:
            from sidecar.cli.following import until_ended

            job = until_ended(client, job.id)
    _facts(job, as_json)
    raise SystemExit(1 if wait and job.status != "succeeded" else 0)


@app.command()
def show(context: typer.Context, job_id: JobId, url: Url = URL, token: Token = None, as_json: Json = False) -> None:
    """One job: how it stands, what it was given, what it measured and made."""
    with asking(context, url, token, _OF_JOB) as client:
        found = client.training_job(job_named(client, job_id))
    _facts(found, as_json)


@app.command()
def log(
    context: typer.Context,
    job_id: JobId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
    url: Url = URL,
    token: Token = None,
) -> None:
    """What a job wrote, the end of it."""
    from sidecar.cli.following import followed_log, plain

    with asking(context, url, token, _OF_JOB) as client:
        wanted = job_named(client, job_id)
        if follow:
            followed_log(client, wanted)
        else:
            written = client.training_job_log(wanted)
            print(plain(written), end="")
            if not written:
                print("nothing is written yet", file=sys.stderr)


@app.command()
def cancel(
    context: typer.Context, job_id: JobId, by: By = None, url: Url = URL, token: Token = None, as_json: Json = False
) -> None:
    """End a job that has not ended."""
    with asking(context, url, token, _OF_JOB) as client:
        _say(client.cancel_training_job(job_named(client, job_id), by_whom(by)), as_json)


@app.command()
def report(
    context: typer.Context,
    job_id: JobId,
    status: Annotated[
        str, typer.Option(help="running, succeeded or failed.", autocompletion=one_of("running", "succeeded", "failed"))
    ],
    metrics: Annotated[
        list[str] | None, typer.Option(metavar="NAME=NUMBER", help="What it measured, such as map50=0.61; repeatable.")
    ] = None,
    version: Annotated[str, typer.Option(help="What the new version is called.")] = "",
    upstream: Annotated[str | None, typer.Option(metavar="URL", help="Where the new version is served.")] = None,
    progress: Annotated[float | None, typer.Option(help="How far it is, 0 to 1.")] = None,
    error: Annotated[str, typer.Option(help="Why it failed.")] = "",
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Say for a trainer how its job goes, of a job that waits for people or for a trainer elsewhere."""
    figures, served = numbers_of(metrics or (), "--metrics"), upstream_of(upstream)
    with asking(context, url, token, _REPORT_FLAGS) as client:
        wanted = job_named(client, job_id)
        _say(client.report_training_job(wanted, status, figures, version, served, error, progress), as_json)


@app.command()
def deploy(
    context: typer.Context,
    job_id: JobId,
    ab: Annotated[bool, typer.Option("--ab", help="Into an A/B test against its base.")] = False,
    shadow: Annotated[bool, typer.Option("--shadow", help="Behind its base, in a shadow test.")] = False,
    name: Annotated[str | None, typer.Option(help="What the test is called.  \\[default: the job's name]")] = None,
    split: Annotated[str | None, typer.Option(metavar="SHARE", help="With --ab: share of units it gets.")] = None,
    share: Annotated[
        str | None, typer.Option(metavar="SHARE", help="With --shadow: share of requests that are copied to it.")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="With --ab: what it is about, the primary one first; repeatable.", autocompletion=ab_test_metrics
        ),
    ] = None,
    unit: Annotated[str | None, typer.Option(help="With --ab: request, client or header:NAME.")] = None,
    days: Annotated[float | None, typer.Option(help="How many days the test runs; 7 by default.")] = None,
    config: Annotated[
        str | None, typer.Option(metavar="FILE", help="All else of such a test: YAML or JSON, as in docs/api.md.")
    ] = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Put what a job made to the test on live traffic."""
    if ab == shadow:
        fail("give one of --ab and --shadow")
    strange = {"--share": share} if ab else {"--split": split, "--metric": metric or None, "--unit": unit}
    for flag, value in strange.items():
        if value is not None:
            fail(f"{flag}: belongs to {'--shadow' if ab else '--ab'}")
    given = {} if config is None else document_of(config, "--config")
    if not isinstance(given, dict):
        fail("--config: must hold settings by name, such as `traffic_split: 0.1`")
    asked = {
        **given,
        **given_only(
            {
                "traffic_split": None if split is None else split_of([split], "--split"),
                "share": None if share is None else share_number(share, "--share"),
                "metrics": metric or None,
                "unit": unit,
            }
        ),
        **days_of(days, False),
    }
    with asking(context, url, token, _DEPLOY_FLAGS) as client:
        job = client.deploy_training_job(job_named(client, job_id), "ab" if ab else "shadow", name, asked or None)
    if as_json:
        print(document_text(job))
    else:
        command = "ab-test" if ab else "shadow"
        print(clean(f"{job.model_version_id}: in test {job.test_id}; `sidecar {command} results {job.test_id}`"))
        if job.against_base in ("worse", "mixed"):
            print(clean(f"warning: {job.sentence}"), file=sys.stderr)


def model_versions(
    context: typer.Context,
    model: Annotated[
        str | None, typer.Option(help="Only those of one model, by its name.", autocompletion=model_names)
    ] = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Versions of models that training made, newest first: their metrics, and where they are served."""
    with asking(context, url, token, {"model": "--model"}) as client:
        found = client.model_versions(model)
    if as_json:
        print(document_text(found))
    elif not found:
        print(none_of("versions", "training made no version yet; `sidecar train start` begins a job", model=model))
    else:
        from rich.console import Console

        from sidecar.cli.show_train import model_versions_lines

        model_versions_lines(found, Console())


def job_named(client: Client, wanted: str) -> str:
    """The id of the job that is meant."""
    return picked(client.training_jobs(), "id", wanted)


def _facts(job: Any, as_json: bool) -> None:
    if as_json:
        print(document_text(job))
        return
    from rich.console import Console

    from sidecar.cli.show_train import job_facts

    job_facts(job, Console())


def _say(job: Any, as_json: bool) -> None:
    if as_json:
        print(document_text(job))
        return
    from rich.console import Console

    from sidecar.cli.show_train import job_line

    job_line(job, Console())
