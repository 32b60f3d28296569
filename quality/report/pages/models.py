"""Is it worth it? What the model that serves is worth, compared with the best simple rule."""

from __future__ import annotations

from feature_store.model_evaluation import LEAST_USERS, MAIN, Evaluation, Figure, evaluation_of
from feature_store.registered_models import (
    CHAMPION,
    FEATURES_HASH,
    KIND,
    ModelVersion,
    model_versions,
)
from feature_store.snapshots import current_snapshot
from quality.report.content import Content
from quality.report.inputs import Inputs
from quality.report.paper import GREY, Paper
from quality.report.paper_table import Cell, Column, draw_table
from quality.report.report import Report
from quality.worth import Standing, judge, number, percent, signed
from recomart.errors import RecoMartError
from recomart.settings import Settings

TITLE = "Is it worth it?"


class KindRow(Content):
    """A kind of model, or the best simple rule."""

    name: str
    serves: bool
    validation: float | None
    test: Figure
    lift: Figure | None
    coverage: float | None
    top_sellers: float | None


class GroupRow(Content):
    """Some users or products, looked at alone."""

    words: str
    users: int
    share: float
    of: str
    model: Figure
    rule: float | None
    lift: Figure | None


class SourceRow(Content):
    """A source of candidates, or all of them."""

    name: str
    recall: Figure
    products: float


class Models(Content):
    """What the page says."""

    version: str | None
    kind: str | None
    standing: Standing
    sentence: str
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    measured: str
    kinds: tuple[KindRow, ...]
    groups: tuple[GroupRow, ...]
    candidates: tuple[SourceRow, ...]


class ModelsPage:
    """The page about the models."""

    name = "models"
    order = 45
    content = Models

    def read(self, inputs: Inputs) -> Models:
        """The champion, and the evaluation of the training that it comes from."""
        return read_models(inputs.settings)

    def draw(self, paper: Paper, report: Report) -> None:
        """The answer, why, every kind, groups of users and products, candidates."""
        models = report.of(self)
        if models.version is None and not models.notes:
            return  # nothing was trained yet
        paper.part(TITLE, "What the model that serves adds to a simple rule.", 150)
        paper.pen(10.5, "B")
        paper.paragraph(models.sentence, space=2)
        for reason in models.reasons:
            paper.pen(9)
            paper.paragraph(f"· {reason}", space=0.6)
        for note in models.notes:
            paper.pen(8.5, colour=GREY)
            paper.paragraph(note, space=0.6)
        if models.kinds:
            paper.note(models.measured)
            _draw_kinds(paper, models)
            _draw_groups(paper, models)
        if models.candidates:
            _draw_candidates(paper, models)


def read_models(settings: Settings) -> Models:
    """What is known of the model that serves."""
    try:
        versions = model_versions(settings)
        champion = next((one for one in versions if CHAMPION in one.aliases), None)
        evaluation = None if champion is None else evaluation_of(settings, champion)
    except RecoMartError as exc:
        note = f"{exc.message}: {exc.found or ''} {exc.help or ''}".strip()
        return _nothing("Not measured: what is recorded of the models cannot be read.", note)
    if champion is None:
        if not versions:
            return _nothing("Nothing has been trained yet.")
        return _nothing(
            "No model serves: the alias 'champion' names none of the registered versions.",
            "'recomart champion promote VERSION' names one.",
        )
    kind = champion.tags.get(KIND, "model")
    if evaluation is None:
        return _nothing(
            f"Not measured: nothing is recorded of what {kind}, version {champion.version}, is worth.",
            "The shop has too few days to hold any out, or an older version of RecoMart trained it.",
            version=champion.version,
            kind=kind,
        )
    return describe(evaluation, champion, stale=_is_stale(settings, champion))


def describe(evaluation: Evaluation, champion: ModelVersion, *, stale: bool) -> Models:
    """The page's content.

    Args:
        stale: whether other features than those that the champion learned from are published.
    """
    kind = champion.tags[KIND]
    worth = judge(evaluation, kind)
    notes = []
    if worth.worse_for:
        notes.append(f"The simple rule is better for: {', '.join(worth.worse_for)}.")
    if evaluation.measured_on == "validation":
        notes.append(
            "The shop has too few days for a test window: figures are of the window that chose the "
            "champion, and flatter it."
        )
    if stale:
        notes.append("Other features are published by now than those that it learned from.")
    rule = evaluation.rule
    return Models(
        version=champion.version,
        kind=kind,
        standing=worth.standing,
        sentence=worth.sentence,
        reasons=worth.reasons,
        notes=tuple(notes),
        measured=_measured(evaluation, champion),
        kinds=tuple(
            KindRow(
                name="best simple rule" if one.role == "rule" else one.name,
                serves=one.name == kind,
                validation=one.validation_ndcg,
                test=one.figures[MAIN],
                lift=one.lift.get(MAIN),
                coverage=one.coverage,
                top_sellers=one.top_sellers,
            )
            for one in evaluation.kinds
        ),
        groups=tuple(
            GroupRow(
                words=group.words,
                users=group.users,
                share=group.share,
                of=group.of,
                model=group.ndcg[kind],
                rule=None if rule is None else group.ndcg[rule].mean,
                lift=group.lift.get(kind),
            )
            for group in evaluation.groups
            if kind in group.ndcg
        ),
        candidates=tuple(
            SourceRow(name=one.source, recall=one.recall, products=one.products)
            for one in evaluation.candidates
        ),
    )


def _nothing(
    sentence: str, *notes: str, version: str | None = None, kind: str | None = None
) -> Models:
    return Models(
        version=version,
        kind=kind,
        standing="not measured",
        sentence=sentence,
        reasons=(),
        notes=notes,
        measured="",
        kinds=(),
        groups=(),
        candidates=(),
    )


def _is_stale(settings: Settings, champion: ModelVersion) -> bool:
    try:
        return current_snapshot(settings).hash != champion.tags.get(FEATURES_HASH)
    except RecoMartError:
        return True


def _measured(evaluation: Evaluation, champion: ModelVersion) -> str:
    return (
        f"Measured by nDCG@10: 1 when the ten recommended products are what the user came to like, 0 "
        f"when none is. {evaluation.measured_on.capitalize()} window {evaluation.window}, "
        f"{evaluation.users:,} users, {evaluation.liked:,} products liked, "
        f"{evaluation.products:,} products to choose from; version {champion.version}, features "
        f"{evaluation.snapshot[:8]}. In brackets: 95% intervals over users. The best simple rule is "
        f"the best of {len(evaluation.rules)} on this very window, which favours the rule."
    )


def _interval(found: Figure | None) -> str:
    if found is None or found.mean is None:
        return "–"
    return f"{number(found.mean)} [{number(found.low)}, {number(found.high)}]"


def _lift(found: Figure | None, users: int = LEAST_USERS) -> str:
    if found is None or found.mean is None:
        return "–"
    if users < LEAST_USERS:
        return f"{signed(found.mean)} (few users)"
    return f"{signed(found.mean)} [{signed(found.low)}, {signed(found.high)}]"


def _draw_kinds(paper: Paper, models: Models) -> None:
    paper.section("Every kind of model")
    columns = [
        Column("", 60, keep_end=True),
        Column("Validation", 18, "R"),
        Column("nDCG@10", 38, "R"),
        Column("More than the rule", 42, "R"),
        Column("Catalogue", 22, "R"),
    ]
    rows = []
    for row in models.kinds:
        texts = (
            f"{row.name} (serves)" if row.serves else row.name,
            number(row.validation),
            _interval(row.test),
            _lift(row.lift),
            percent(row.coverage),
        )
        rows.append([Cell(text, style="B" if row.serves else "") for text in texts])
    draw_table(paper, columns, rows, 8)


def _draw_groups(paper: Paper, models: Models) -> None:
    paper.section("For whom, and for which products")
    columns = [
        Column("", 62),
        Column("Users", 14, "R"),
        Column("Share", 14, "R"),
        Column(f"{models.kind}", 20, "R"),
        Column("Rule", 18, "R"),
        Column("More than the rule", 52, "R"),
    ]
    rows = [
        (
            row.words,
            f"{row.users:,}",
            percent(row.share),
            number(row.model.mean),
            number(row.rule),
            _lift(row.lift, row.users),
        )
        for row in models.groups
    ]
    draw_table(paper, columns, rows, 8)
    paper.note(
        "Events are those before the window. Share: of the users, or of what they came to like. Few: "
        f"below {LEAST_USERS} users an interval means nothing."
    )


def _draw_candidates(paper: Paper, models: Models) -> None:
    paper.section("What the sources of candidates find")
    columns = [
        Column("Source", 60),
        Column("Finds of what a user came to like", 70, "R"),
        Column("Products a user", 50, "R"),
    ]
    rows = [
        (
            "all together" if row.name == "all" else row.name,
            _interval(row.recall),
            f"{row.products:,.0f}",
        )
        for row in models.candidates
    ]
    draw_table(paper, columns, rows, 8)


PAGE = ModelsPage()
