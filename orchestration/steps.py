"""The steps of the pipeline, each declared once in STEPS.

Whatever runs steps reads STEPS: `make pipeline`, the verbs `recomart <step>`, the targets
`make <step>` and Dagster's graph. So adding a step means adding one entry here; `docs/extending.md`
walks through an example. A step's work may live in any module. It imports that module when it runs,
because feast, dbt and mlflow each take seconds to import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Annotated

from typer import Option

from orchestration.log import current_run, start_run
from recomart.errors import ConfigurationError, did_you_mean
from recomart.settings import Settings
from recomart.step import Progress, StepResult

Work = Callable[..., StepResult]
"""Called as `work(settings, progress)`. Keyword-only parameters become options of the step's verb."""


@dataclass(frozen=True)
class BackgroundTask:
    """Something that runs in the background while other steps run.

    Args:
        needs: steps that must be done before it starts, as far as they are part of the run.
        run: returns a context manager, which is entered at the start and left when the run ends,
            even if the run fails or is interrupted.
    """

    needs: tuple[str, ...]
    run: Callable[[Settings], AbstractContextManager[None]]


@dataclass(frozen=True)
class Step:
    """One step of the pipeline.

    Args:
        name: of its verb, its Make target and its node in Dagster. `name` and `summary` are
            literal strings and come first, because `make help` reads them from this file.
        summary: what the step does, as one sentence.
        needs: steps whose output it reads. If one of them fails, this step does not run.
        run: the work, as the pipeline does it.
        after: steps that it follows when they are part of the run, whether they succeed or not.
            The report is wanted most when one of them failed.
        background: what runs in the background before the step itself does. The stream flows
            while the batch steps work, and its step waits for the end.
        verb: the work of `recomart <name>`, where it differs from `run`. The pipeline skips work
            that is already done; a verb does it again.
        settings: settings that the verb takes as options, such as `scale` for `--scale`.
        verb_elsewhere: `orchestration/cli` declares the verb, because it has verbs of its own, such as
            `recomart report eda`.
    """

    name: str
    summary: str
    needs: tuple[str, ...]
    run: Work
    after: tuple[str, ...] = ()
    background: BackgroundTask | None = None
    verb: Work | None = None
    settings: tuple[str, ...] = ()
    verb_elsewhere: bool = False


def _generate(settings: Settings, progress: Progress) -> StepResult:
    from demo_shop import generate, generated, is_demo_shop

    if not is_demo_shop(settings):
        return StepResult(0, "files", "not needed: this shop has its own files")
    if generated(settings):
        return StepResult(0, "files", "the demo shop's files exist already")
    return generate(settings, progress=progress)


def _generate_again(settings: Settings, progress: Progress) -> StepResult:
    from demo_shop import generate

    return generate(settings, progress=progress)


def _ingest(settings: Settings, progress: Progress) -> StepResult:
    from ingestion.ingest import ingest
    from onboarding.suggestion import suggest_column
    from orchestration.catalogue import catalogue_for

    with catalogue_for(settings) as reachable:
        return ingest(reachable, progress=progress, suggest=suggest_column).result()


def _stream_in_background(settings: Settings) -> AbstractContextManager[None]:
    from orchestration.background_stream import stream_in_background

    return stream_in_background(settings)


def _load_stream(settings: Settings, progress: Progress) -> StepResult:
    from orchestration.background_stream import load_stream

    return load_stream(settings, progress)


def _transform(settings: Settings, progress: Progress) -> StepResult:
    from orchestration.transform import transform

    return transform(settings, progress)


def _publish(
    settings: Settings,
    progress: Progress,
    *,
    full: Annotated[
        bool, Option("--full", help="Write every row to Redis, not only rows that changed")
    ] = False,
) -> StepResult:
    from feature_store.publish.publisher import publish

    return publish(settings, progress=progress, full=full)


def _train(settings: Settings, progress: Progress) -> StepResult:
    from training.recipe import trained_already
    from training.registry import KIND
    from training.train import train

    if model := trained_already(settings):
        champion = f"{model.tags[KIND]} v{model.version}"
        return StepResult(0, "models", f"nothing new to learn: champion {champion} stays")
    return train(settings, progress=progress).result()


def _train_again(
    settings: Settings,
    progress: Progress,
    *,
    features: Annotated[
        str | None,
        Option(
            help="Train on the published snapshot with this hash (see 'recomart features history'; "
            "default: the current one)"
        ),
    ] = None,
    as_known_then: Annotated[
        bool,
        Option(
            "--as-known-then",
            help="Use features as they were known at each label's time, without late rows and "
            "later corrections",
        ),
    ] = False,
) -> StepResult:
    from training.train import train

    return train(
        settings, progress=progress, features=features, as_known_then=as_known_then
    ).result()


def _report(settings: Settings, progress: Progress) -> StepResult:
    from quality.eda import draw
    from quality.report import write_report

    if not settings.warehouse.exists():
        return StepResult(0, "pages", "nothing was loaded yet")
    run = current_run() or start_run(settings)
    report = write_report(settings, run.id, progress)
    if not settings.current_features.exists():
        return report
    plots = draw(settings, progress, redraw=False)
    return StepResult(report.count, report.unit, f"{plots.count} plots · {report.detail}")


STEPS: tuple[Step, ...] = (
    Step(
        "generate",
        "Generate the demo shop's source files.",
        needs=(),
        run=_generate,
        verb=_generate_again,
        settings=("scale", "seed", "end_date"),
    ),
    Step(
        "ingest",
        "Land the shop's files and catalogue, and load them into raw tables.",
        needs=("generate",),
        run=_ingest,
    ),
    Step(
        "stream",
        "Stream simulated visitors while the batch steps run, and load their events.",
        needs=("ingest",),
        run=_load_stream,
        background=BackgroundTask(needs=("generate",), run=_stream_in_background),
        verb_elsewhere=True,
    ),
    Step(
        "transform",
        "Build and test the warehouse with dbt.",
        needs=("ingest",),
        run=_transform,
        after=("stream",),
    ),
    Step(
        "publish",
        "Publish tested features to Parquet, Feast and Redis.",
        needs=("transform",),
        run=_publish,
    ),
    Step(
        "train",
        "Fit and compare the models, track them in MLflow, and name a champion.",
        needs=("publish",),
        run=_train,
        verb=_train_again,
    ),
    Step(
        "report",
        "Write the data-quality report (PDF, JSON) and the exploratory plots.",
        needs=(),
        run=_report,
        after=("ingest", "stream", "transform", "publish", "train"),
        verb_elsewhere=True,
    ),
)


def by_name(name: str) -> Step:
    """The step of this name.

    Raises:
        ConfigurationError: no step has this name; lists the steps and the nearest one.
    """
    steps = {step.name: step for step in STEPS}
    if name not in steps:
        raise ConfigurationError(
            f'there is no step "{name}"',
            code="unknown-step",
            found=f"the steps are {', '.join(steps)}",
            help=f"{did_you_mean(name, steps)}To add a step, add an entry to STEPS in "
            "orchestration/steps.py (docs/extending.md)",
        )
    return steps[name]


def in_order(steps: Iterable[Step] = STEPS) -> list[Step]:
    """The steps, sorted so that each comes after all steps that it needs or follows."""
    chosen = {step.name: step for step in steps}
    graph = {
        name: [before for before in (*step.needs, *step.after) if before in chosen]
        for name, step in chosen.items()
    }
    return [chosen[name] for name in TopologicalSorter(graph).static_order()]


def starting_from(name: str) -> list[Step]:
    """The step of this name and all steps that depend on it or follow it, in order.

    Raises:
        ConfigurationError: as in `by_name`.
    """
    wanted = {by_name(name).name}
    for step in in_order():
        if wanted.intersection((*step.needs, *step.after)):
            wanted.add(step.name)
    return in_order(step for step in STEPS if step.name in wanted)
