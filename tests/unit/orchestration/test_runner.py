import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from rich.console import Console

from orchestration import pipeline
from orchestration.runner import Outcome, run_steps
from orchestration.steps import BackgroundTask, Step
from orchestration.terminal import Terminal
from recomart.errors import SourceMissing, WrongLake
from recomart.lake import open_lake
from recomart.settings import Settings
from recomart.step import StepResult


def step(name: str, *needs: str, error: Exception | None = None) -> Step:
    def work(settings, progress):
        progress("working", 1, 2)
        if error:
            raise error
        return StepResult(1234, "rows", "7 quarantined")

    return Step(name, "", needs, work)


def watched(name: str, *needs: str, during: list[str], error: Exception | None = None) -> Step:
    """A step with a background task, which records when it begins and ends."""

    @contextmanager
    def background(settings: Settings) -> Iterator[None]:
        if error:
            raise error
        during.append("begins")
        try:
            yield
        finally:
            during.append("ends")

    plain = step(name, *needs)
    return replace(plain, background=BackgroundTask(("a",), background))


def noted(name: str, during: list[str], *needs: str, error: BaseException | None = None) -> Step:
    def work(settings, progress):
        during.append(name)
        if error:
            raise error
        return StepResult(1, "rows")

    return Step(name, "", needs, work)


def run(settings: Settings, *steps: Step) -> tuple[Outcome, str]:
    screen = io.StringIO()
    outcome = run_steps(settings, steps, Terminal(Console(file=screen, width=200)))
    return outcome, screen.getvalue()


def test_failed_step_stops_only_what_needs_it(settings: Settings) -> None:
    lost = SourceMissing("no file matches x*.csv", help="put files there")
    outcome, screen = run(
        settings, step("a", error=lost), step("b", "a"), step("c", "b"), step("d")
    )
    assert list(outcome.failed) == ["a"]
    assert outcome.not_run == ["b", "c"]
    assert list(outcome.done) == ["d"]
    assert "error[source-missing]: no file matches x*.csv" in screen
    assert "– not run: b, c" in screen
    assert "resume:" in screen
    assert str(outcome.run.log) in screen


def test_unexpected_exception_is_printed_in_one_line_and_logged_whole(settings: Settings) -> None:
    outcome, screen = run(settings, step("a", error=ZeroDivisionError("by zero")))
    assert "ZeroDivisionError: by zero" in screen
    assert "Traceback" not in screen
    assert "Traceback" in outcome.run.log.read_text()


def test_without_a_terminal_a_step_has_a_line_at_start_and_end(settings: Settings) -> None:
    _, screen = run(settings, step("load"))
    lines = screen.splitlines()
    assert lines[1] == " … load"
    assert lines[2].split() == ["✔", "load", "1,234", "rows", "0.0s", "7", "quarantined"]


def test_no_color_is_respected(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=200)
    Terminal(console).done("load", StepResult(1, "rows"), 0.1)
    assert "\x1b[3" not in screen.getvalue()


def test_text_from_data_is_not_read_as_markup(settings: Settings) -> None:
    _, screen = run(settings, step("a", error=SourceMissing("found [red]x[/red] in row")))
    assert "[red]x[/red]" in screen


def test_lake_of_another_shop_is_refused_before_any_step(settings: Settings) -> None:
    open_lake(settings)
    with pytest.raises(WrongLake):
        run(settings.model_copy(update={"shop": "movielens_100k"}), step("a"))


def test_a_background_task_begins_when_it_can_and_ends_with_the_run(settings: Settings) -> None:
    during: list[str] = []
    run(settings, noted("a", during), noted("b", during), watched("c", "b", during=during),
        noted("d", during))  # fmt: skip
    assert during == ["a", "begins", "b", "d", "ends"]


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(143)])
def test_a_background_task_ends_when_a_step_fails_or_the_run_is_stopped(
    settings: Settings, error: BaseException
) -> None:
    during: list[str] = []
    steps = (noted("a", during), noted("b", during, error=error), watched("c", "b", during=during))
    with suppress(KeyboardInterrupt, SystemExit):
        run(settings, *steps)
    assert during == ["a", "begins", "b", "ends"]


def test_a_background_task_that_cannot_start_fails_only_its_own_step(settings: Settings) -> None:
    during: list[str] = []
    lost = SourceMissing("no server")
    outcome, screen = run(
        settings, noted("a", during), watched("c", "a", during=during, error=lost),
        noted("d", during, "a"),
    )  # fmt: skip
    assert list(outcome.failed) == ["c"]
    assert screen.count("no server") == 1
    assert during == ["a", "d"]


def test_a_background_task_waits_only_for_steps_of_the_run(settings: Settings) -> None:
    during: list[str] = []
    run(settings, noted("b", during), watched("c", "b", during=during))
    assert during == ["begins", "b", "ends"]


def test_a_failure_of_the_closing_list_is_reported_like_any_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pipeline's steps succeed, and what is shown at the end does not."""

    def broken(settings: Settings) -> str:
        raise FloatingPointError("overflow")

    monkeypatch.setattr(pipeline, "in_order", lambda: [step("publish"), step("train")])
    monkeypatch.setattr(pipeline, "example_user", broken)

    assert not pipeline.run_pipeline(settings)

    screen = capsys.readouterr().out
    assert "FloatingPointError: overflow" in screen
    assert "Traceback" not in screen
    assert "resume: make pipeline" in screen
    (log,) = settings.logs.glob("*.log")
    assert "Traceback" in log.read_text()
