"""`make pipeline`: every step, then recommendations for one user, and what to look at next."""

from __future__ import annotations

from orchestration.runner import Outcome, reporting_failure, run_steps
from orchestration.show import example_user, show_recommendations
from orchestration.steps import STEPS, in_order, starting_from
from orchestration.terminal import Terminal
from recomart.errors import ConfigurationError
from recomart.settings import Settings


def run_pipeline(settings: Settings, start: str | None = None) -> bool:
    """Run all steps, or those from `start` on, and show the end result. True when all went well.

    Raises:
        ConfigurationError: there is no step of that name.
    """
    names = [step.name for step in STEPS]
    if start is not None and start not in names:
        raise ConfigurationError(f"there is no step '{start}'", help=f"one of {', '.join(names)}")
    terminal = Terminal()
    steps = starting_from(start) if start else in_order()
    outcome = run_steps(settings, steps, terminal)
    if not {"publish", "train"}.intersection((*outcome.failed, *outcome.not_run)):
        with reporting_failure(settings, "recommend", outcome, terminal):
            _show(settings, outcome, terminal)
    return outcome.ok


def _show(settings: Settings, outcome: Outcome, terminal: Terminal) -> None:
    from demo_shop.source_data import is_demo_shop
    from orchestration.background_stream import why_nothing_is_streamed
    from orchestration.live import go_live
    from orchestration.show_live import show_live
    from training.recommend import recommend

    user = example_user(settings)
    found = recommend(settings, user)
    terminal.say()
    show_recommendations(found, terminal.console)
    terminal.say()
    if "stream" in outcome.done and not why_nothing_is_streamed(settings):
        show_live(settings, go_live(settings, found), terminal.console)
        terminal.say()
    _next(settings, terminal, user, with_visitors=is_demo_shop(settings))


def _next(settings: Settings, terminal: Terminal, user: str, *, with_visitors: bool) -> None:
    shop = "" if settings.shop == "demo" else f"RECOMART_SHOP={settings.shop} "
    for what, where in {
        "warehouse": settings.warehouse,
        "report": settings.reports / "latest" / "report.pdf",
        "plots": settings.eda_plots,
        "features": settings.current_features,
        "models": settings.lake / "mlflow.db",
        "logs": settings.logs,
    }.items():
        terminal.say(f"[dim]{what:<10}[/] {where}")
    terminal.say()
    terminal.say("next:")
    for command, does in (
        (f"make recommend ID={user}", "recommendations for a user"),
        ("make features ID=" + user, "what Redis serves for a user"),
        *([("make stream", "visitors and the speed layer, until Ctrl-C")] if with_visitors else []),
        ("make mlflow", "runs and models, on http://127.0.0.1:5001"),
        ("make docs", "the warehouse's documentation and lineage, one HTML file"),
        ("make ui", "the pipeline as a graph, on http://127.0.0.1:3000"),
        ("make down", "stop the embedded Redis"),
    ):
        terminal.say(f"  {shop}{command:<26} [dim]{does}[/]")
