from orchestration.steps import STEPS, by_name, in_order, starting_from


def test_every_step_comes_after_what_it_needs() -> None:
    order = [step.name for step in in_order()]
    assert sorted(order) == sorted(step.name for step in STEPS)
    for step in STEPS:
        assert all(order.index(need) < order.index(step.name) for need in step.needs)


def test_starting_from_a_step_takes_all_that_depends_on_it() -> None:
    steps = [step.name for step in starting_from("transform")]
    assert steps == ["transform", "publish", "train", "report"]


def test_each_step_is_a_verb() -> None:
    from orchestration.cli import app

    verbs = {c.name or c.callback.__name__ for c in app.registered_commands}
    verbs |= {group.name for group in app.registered_groups}  # report has verbs of its own
    assert {step.name for step in STEPS} <= verbs
    assert by_name("train").name == "train"
