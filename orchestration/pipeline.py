"""`make pipeline`: run every step, show recommendations for one user, and list what to do next."""

from __future__ import annotations

from orchestration.output.recommendations import example_user, print_recommendations
from orchestration.runner import Outcome, reporting_failure, run_steps
from orchestration.steps import in_order, starting_from
from orchestration.terminal import Terminal
from recomart.project import CODE_ROOT
from recomart.settings import Settings


def run_pipeline(settings: Settings, start: str | None = None) -> bool:
    """Run the steps and show the recommendations.

    Args:
        start: run this step and those that depend on it or follow it; None runs all steps.

    Returns:
        True if everything succeeded.

    Raises:
        ConfigurationError: no step is named `start`; lists the steps and the nearest one.
    """
    steps = starting_from(start) if start else in_order()
    terminal = Terminal()
    outcome = run_steps(settings, steps, terminal)
    if not {"publish", "train"}.intersection((*outcome.failed, *outcome.not_run)):
        with reporting_failure(settings, "recommend", outcome, terminal):
            _show(settings, outcome, terminal)
    return outcome.ok


def _show(settings: Settings, outcome: Outcome, terminal: Terminal) -> None:
    from demo_shop.source_data import is_demo_shop
    from orchestration.background_stream import why_nothing_is_streamed
    from orchestration.click_demo import run_click_demo
    from orchestration.output.click_demo import print_click_demo
    from training.recommend import recommend

    user = example_user(settings)
    found = recommend(settings, user)
    terminal.say()
    print_recommendations(found, terminal.console)
    terminal.say()
    if "stream" in outcome.done and not why_nothing_is_streamed(settings):
        print_click_demo(settings, run_click_demo(settings, found), terminal.console)
        terminal.say()
    _next(settings, terminal, user, with_visitors=is_demo_shop(settings))


def _next(settings: Settings, terminal: Terminal, user: str, *, with_visitors: bool) -> None:
    shop = "" if settings.shop == "demo" else f"RECOMART_SHOP={settings.shop} "
    terminal.say("Results:")
    for name, path in {
        "warehouse": settings.warehouse,
        "report": settings.reports / "latest" / "report.pdf",
        "plots": settings.eda_plots,
        "features": settings.current_features,
        "models": settings.lake / "mlflow.db",
        "logs": settings.logs,
    }.items():
        terminal.say(f"  [dim]{name:<10}[/] {path}")
    terminal.say()
    terminal.say("What to do next:")
    for command, summary in _commands(settings, user, with_visitors):
        terminal.say(f"  {shop}{command:<34} [dim]{summary}[/]")


def _commands(settings: Settings, user: str, with_visitors: bool) -> list[tuple[str, str]]:
    """Commands that may follow, and what each does; a project of `recomart new` has no Makefile."""
    make = settings.project == CODE_ROOT
    commands = [
        (f"recommend {'ID=' if make else '--user '}{user}", "recommend products to a user"),
        (f"features {'ID=' if make else 'user '}{user}", "show what Redis serves for a user"),
        ("stream" if make else "stream demo", "stream simulated visitors until Ctrl-C"),
        ("mlflow", "browse runs and models at http://127.0.0.1:5001"),
        ("docs", "write the warehouse's documentation and lineage as HTML"),
        ("ui", "browse the pipeline as a graph at http://127.0.0.1:3000"),
        ("down", "stop the embedded Redis, which keeps running until then"),
    ]
    if not with_visitors:
        del commands[2]
    return [(f"{'make' if make else 'recomart'} {command}", does) for command, does in commands]
