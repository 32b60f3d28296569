import re
import subprocess

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from orchestration.cli.steps import verb_of
from orchestration.steps import STEPS, Step, by_name, in_order, starting_from
from recomart.errors import ConfigurationError
from recomart.settings import PROJECT_ROOT, Settings
from recomart.step import Progress, StepResult


def test_every_step_comes_after_what_it_needs() -> None:
    order = [step.name for step in in_order()]
    assert sorted(order) == sorted(step.name for step in STEPS)
    for step in STEPS:
        assert all(order.index(need) < order.index(step.name) for need in step.needs)


def test_starting_from_a_step_takes_all_that_depends_on_it() -> None:
    steps = [step.name for step in starting_from("transform")]
    assert steps == ["transform", "publish", "train", "report"]


def test_each_step_is_a_verb_that_shows_its_summary() -> None:
    from orchestration.cli import app

    verbs = get_command(app).commands
    for step in STEPS:
        if not step.verb_elsewhere:
            assert verbs[step.name].help == step.summary
    assert {step.name for step in STEPS} <= set(verbs)


def test_make_lists_each_step_with_its_summary() -> None:
    listed = subprocess.run(["make", "help"], cwd=PROJECT_ROOT, capture_output=True, text=True)
    targets = dict(re.findall(r"^  make (\S+) +(.+)$", listed.stdout, re.M))
    assert {step.name for step in STEPS} <= set(targets)
    for step in STEPS:
        if step.name != "stream":  # `make stream` runs the simulator and the speed layer alone
            assert targets[step.name] == step.summary.removesuffix(".")


def test_an_unknown_step_is_an_error_that_names_the_steps_and_the_nearest() -> None:
    for find in (by_name, starting_from):
        with pytest.raises(ConfigurationError) as error:
            find("tranform")
        assert error.value.code == "unknown-step"
        for step in STEPS:
            assert step.name in error.value.found
        assert 'did you mean "transform"?' in error.value.help


def test_keywords_of_the_work_and_named_settings_become_options_of_the_verb(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, str]] = []

    def work(settings: Settings, progress: Progress, *, colour: str = "red") -> StepResult:
        seen.append((settings.seed, colour))
        return StepResult(1, "rows")

    step = Step("paint", "Paint.", (), work, settings=("seed",))
    monkeypatch.setattr("orchestration.steps.STEPS", (step,))
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    app = typer.Typer()
    app.command("paint")(verb_of(step))
    for argv in ([], ["--colour", "blue", "--seed", "5"]):
        result = CliRunner().invoke(app, argv)
        assert result.exit_code == 0, result.output
    assert seen == [(settings.seed, "red"), (5, "blue")]
