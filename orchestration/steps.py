"""The steps of the pipeline and what each needs: declared once, for every way to run them.

`make pipeline`, `recomart <verb>` and Dagster's assets are made from STEPS. A step imports its
room when it runs, because feast, dbt and mlflow cost seconds each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from graphlib import TopologicalSorter

from recomart.log import current_run, start_run
from recomart.settings import Settings
from recomart.shop.file import load_shop
from recomart.step import Progress, StepResult

Work = Callable[[Settings, Progress], StepResult]


@dataclass(frozen=True)
class BackgroundTask:
    """What runs beside other steps: entered as soon as what it needs is done (or is not part of the
    run), and left when the run ends, however it does."""

    needs: tuple[str, ...]
    run: Callable[[Settings], AbstractContextManager[None]]


@dataclass(frozen=True)
class Step:
    """One step: its verb, what it does, the steps whose data it reads, and the work itself.

    `after` names steps that it follows when they are run too, however they end: the report is
    wanted most when one of them failed. `beside` runs beside the steps before it: so the stream
    flows while the batch is at work, and its step waits for the end.
    """

    name: str
    does: str
    needs: tuple[str, ...]
    run: Work
    after: tuple[str, ...] = ()
    background: BackgroundTask | None = None


def _generate(settings: Settings, progress: Progress) -> StepResult:
    from demo_shop import generate, generated

    if not reads_source_data(settings):
        return StepResult(0, "files", "not needed: this shop brings its own")
    if generated(settings):
        return StepResult(0, "files", "the demo shop's files are there already")
    return generate(settings, progress=progress)


def _ingest(settings: Settings, progress: Progress) -> StepResult:
    from ingestion.load import ingest
    from orchestration.catalogue import catalogue_for

    with catalogue_for(settings) as reachable:
        return ingest(reachable, progress=progress).result()


def _stream_in_background(settings: Settings) -> AbstractContextManager[None]:
    from orchestration.background_stream import stream_in_background

    return stream_in_background(settings)


def _fold_stream(settings: Settings, progress: Progress) -> StepResult:
    from orchestration.background_stream import fold_stream

    return fold_stream(settings, progress)


def _transform(settings: Settings, progress: Progress) -> StepResult:
    from orchestration.transform import transform

    return transform(settings, progress)


def _publish(settings: Settings, progress: Progress) -> StepResult:
    from feature_store.publish.publisher import publish

    return publish(settings, progress=progress)


def _train(settings: Settings, progress: Progress) -> StepResult:
    from training.recipe import trained_already
    from training.registry import KIND
    from training.train import train

    if model := trained_already(settings):
        champion = f"{model.tags[KIND]} v{model.version}"
        return StepResult(0, "models", f"nothing new to learn: champion {champion} stays")
    return train(settings, progress=progress).result()


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
    Step("generate", "Make the demo shop's files, once per lake.", (), _generate),
    Step(
        "ingest", "Land files and catalogue, and load them into raw tables.", ("generate",), _ingest
    ),
    Step(
        "stream",
        "Stream visitors beside the batch, and load what they did.",
        ("ingest",),
        _fold_stream,
        background=BackgroundTask(("generate",), _stream_in_background),
    ),
    Step(
        "transform",
        "Build and test the warehouse with dbt.",
        ("ingest",),
        _transform,
        after=("stream",),
    ),
    Step("publish", "Publish tested features to Parquet and Redis.", ("transform",), _publish),
    Step("train", "Fit and compare the models, and name a champion.", ("publish",), _train),
    Step(
        "report",
        "Write the data-quality report and the exploratory plots.",
        (),
        _report,
        after=("ingest", "stream", "transform", "publish", "train"),
    ),
)


def reads_source_data(settings: Settings) -> bool:
    """Whether the shop reads the generated files of the demo shop."""
    sources = load_shop(settings).shop.sources().values()
    return any(
        "{lake}/source_data" in glob for source in sources for glob in getattr(source, "files", ())
    )


def by_name(name: str) -> Step:
    """The step of this name.

    Raises:
        KeyError: there is none.
    """
    return {step.name: step for step in STEPS}[name]


def in_order(steps: Iterable[Step] = STEPS) -> list[Step]:
    """The steps sorted so that each comes after all that it needs or follows."""
    chosen = {step.name: step for step in steps}
    graph = {
        name: [before for before in (*step.needs, *step.after) if before in chosen]
        for name, step in chosen.items()
    }
    return [chosen[name] for name in TopologicalSorter(graph).static_order()]


def starting_from(name: str) -> list[Step]:
    """The step of this name and all that depend on it or follow it, in order."""
    wanted = {name}
    for step in in_order():
        if wanted.intersection((*step.needs, *step.after)):
            wanted.add(step.name)
    return in_order(step for step in STEPS if step.name in wanted)
