"""What models were worth, as a file in the lake: training writes it, the report reads it.

One file for each training, `<lake>/evaluation/train-<run>.json`, which the models' tag EVALUATION
names, and one for each protocol that `recomart evaluate` was asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from feature_store.registered_models import EVALUATION, ModelVersion
from recomart.errors import NotReady
from recomart.files import replace_text
from recomart.settings import Settings

FORMAT = 1
"""Raised when an older file can no longer be read."""
MAIN = "ndcg@10"
"""The measure by which models are compared."""
DIGITS = 6
LEAST_USERS = 30
"""Of fewer users, an interval says nothing: resampling one user again and again gives a width of 0."""


class Part(BaseModel):
    """A frozen value without unknown keys. Undefined numbers are None."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Figure(Part):
    """A mean over users with its 95% bootstrap interval."""

    mean: float | None
    low: float | None
    high: float | None

    @property
    def is_above_0(self) -> bool:
        """Whether the whole interval is."""
        return self.low is not None and self.low > 0

    @property
    def is_below_0(self) -> bool:
        """Whether the whole interval is."""
        return self.high is not None and self.high < 0


class KindResult(Part):
    """What one kind's lists were worth.

    Args:
        name: of the kind.
        role: source, stars or combiner; `rule` for a simple rule.
        parameters: that were chosen on the validation window.
        validation_ndcg: nDCG@10 there, which chose the champion.
        figures: by measure and length of the list, such as `recall@20`.
        lift: the same, minus that of the best simple rule for the same users.
        coverage: the share of the catalogue that is on any list of ten.
        novelty: bits of surprise of a recommended product.
        personalisation: how much the lists of two users differ, from 0 to 1.
        top_sellers: the share of the best-selling tenth of the catalogue in the lists.
        rmse: of predicted ratings, for kinds that predict them.
    """

    name: str
    role: Literal["source", "stars", "combiner", "rule"]
    parameters: dict[str, Any]
    validation_ndcg: float | None
    figures: dict[str, Figure]
    lift: dict[str, Figure]
    coverage: float | None
    novelty: float | None
    personalisation: float | None
    top_sellers: float | None
    rmse: float | None


class RuleResult(Part):
    """A simple rule that was tried, with the half-life or window that it was tried with."""

    name: str
    ndcg: Figure


class Group(Part):
    """Some users, or some of the products that they liked, looked at alone.

    Args:
        name: a short key, such as `users_1_2`.
        words: for people.
        of: whether it is of users or of products.
        users: who have something relevant in it.
        share: of all users, or of all that was relevant.
        ndcg: by kind, and of the best simple rule under its name.
        lift: by kind, minus the best simple rule.
    """

    name: str
    words: str
    of: Literal["users", "products"]
    users: int
    share: float
    ndcg: dict[str, Figure]
    lift: dict[str, Figure]


class CandidateRecall(Part):
    """What share of a user's relevant products a source proposed at all.

    Args:
        source: a kind, or `all` for the union.
        recall: mean over users.
        products: that it proposed, mean over users.
    """

    source: str
    recall: Figure
    products: float


class Evaluation(Part):
    """What an evaluation found.

    Args:
        format: of the file.
        shop: its name.
        snapshot: hash of the features that were learned from.
        as_of: the shop's clock, UTC.
        protocol: its name; `protocol_words` says what it does.
        relevant: the label from which on a product counts as liked.
        measured_on: `test`, or `validation` where the shop has too few days for a test window.
        window: the dates or the part that was held out.
        validation_cut, test_cut: where those windows begin; None without one.
        users: that were asked about.
        products: that can be recommended.
        liked: pairs of a user and a product that were to be predicted.
        liked_top_sellers: the share of those whose product is among the best-selling tenth.
        champion: the kind that was best on the validation window.
        rule: the simple rule that was best on the same users as the figures.
        kinds: every kind, best first by validation, and the best simple rule.
        rules: every simple rule.
        groups: users by what they did before, products by how new they are.
        candidates: recall of the sources and of their union; empty without combiners.
    """

    format: int
    shop: str
    snapshot: str
    as_of: str
    protocol: str
    protocol_words: str
    relevant: float
    measured_on: Literal["test", "validation"]
    window: str
    validation_cut: str | None
    test_cut: str | None
    users: int
    products: int
    liked: int
    liked_top_sellers: float | None
    champion: str
    rule: str | None
    kinds: tuple[KindResult, ...]
    rules: tuple[RuleResult, ...]
    groups: tuple[Group, ...]
    candidates: tuple[CandidateRecall, ...]

    def of(self, kind: str) -> KindResult | None:
        """What a kind, or the best simple rule, was worth; None when it was not measured."""
        return next((result for result in self.kinds if result.name == kind), None)


def write_evaluation(settings: Settings, name: str, evaluation: Evaluation) -> Path:
    """Write `<lake>/evaluation/<name>.json`; a reader sees a whole file or none."""
    path = settings.evaluation / f"{name}.json"
    replace_text(path, evaluation.model_dump_json(indent=1) + "\n")
    return path


def read_evaluation(settings: Settings, name: str) -> Evaluation | None:
    """An evaluation; None when there is none of this name.

    Raises:
        NotReady: the file cannot be read, or is of another version.
    """
    path = settings.evaluation / f"{name}.json"
    if not path.is_file():
        return None
    try:
        found = Evaluation.model_validate_json(path.read_bytes())
        if found.format == FORMAT:
            return found
        problem = f"format {found.format}, expected {FORMAT}"
    except (OSError, ValueError) as exc:  # pydantic's error is a ValueError
        problem = str(exc).splitlines()[0]
    raise NotReady(
        "the evaluation of the models cannot be read",
        where=str(path),
        found=problem,
        help="run 'recomart evaluate', or 'recomart train' for a new one",
    )


def evaluation_of(settings: Settings, version: ModelVersion) -> Evaluation | None:
    """The evaluation of the training that a registered model comes from.

    Raises:
        NotReady: as in `read_evaluation`.
    """
    name = version.tags.get(EVALUATION)
    return None if name is None else read_evaluation(settings, name)


def rule_words(name: str) -> str:
    """A simple rule for people: 'popularity (half-life 14 days)'."""
    kind, _, parameters = name.partition(" ")
    words = {"popularity": "what is popular", "history": "what the user had before"}.get(kind, kind)
    days = parameters.removeprefix("half_life_days=")
    if not parameters:
        return words
    if days != parameters:
        return f"{words} (half-life {days} {'day' if days == '1' else 'days'})"
    return f"{words} ({parameters})"
