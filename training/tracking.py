"""Recording an experiment in MLflow: runs, figures, plots, and registered models."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from feature_store.model_evaluation import MAIN, Evaluation, KindResult, write_evaluation
from feature_store.snapshots import Snapshot
from recomart.project import find_project
from recomart.settings import Settings
from recomart.step import Progress, no_progress
from training import artifact, promotion, registry
from training.artifact import POPULARITY, Artifact
from training.experiment import RATING_KIND, Experiment
from training.kinds import KINDS
from training.labels import ShopData
from training.mlflow_store import experiment_id, open_mlflow
from training.plots import draw_plots
from training.recipe import RECIPE, recipe_hash

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from training.kinds.popularity import Popularity

MODEL_CODE = Path(__file__).with_name("mlflow_model.py")


@dataclass(frozen=True)
class Recorded:
    """Where an experiment is: the parent run, and the registered version of each kind."""

    run_id: str
    versions: dict[str, str]


def record(
    settings: Settings,
    snapshot: Snapshot,
    data: ShopData,
    experiment: Experiment,
    progress: Progress = no_progress,
    *,
    evaluation: Evaluation | None = None,
    serve: bool = True,
    as_known_then: bool = False,
) -> Recorded:
    """Log one parent run with a child run per kind, register each kind, and set the aliases.

    Aliases move last, when every version is registered: a killed call leaves the old champion.

    Args:
        evaluation: of the experiment; written to the lake, where the versions' tag names it.
        serve: whether the aliases move.
        as_known_then: how the features were read; the tag FEATURES_AS_KNOWN says so.
    """
    with open_mlflow(settings) as (mlflow, client), tempfile.TemporaryDirectory() as scratch:
        tags = {
            "shop": settings.shop_name,
            registry.FEATURES_HASH: snapshot.hash,
            registry.FEATURES_AT: snapshot.batches_at.isoformat(),
            registry.TRAINING_HASH: experiment.training_hash,
            registry.FEATURES_AS_KNOWN: "then" if as_known_then else "now",
            RECIPE: recipe_hash(settings, as_known_then=as_known_then),
            **_commit(),
        }
        recorder = _Recorder(
            mlflow, client, data, experiment, tags, experiment_id(client, settings), Path(scratch)
        )
        with recorder.run(f"train {snapshot.hash[:8]}", champion=experiment.ranking[0]) as parent:
            mlflow.log_params(_parameters(settings, data, experiment))
            mlflow.log_metrics(_lift(experiment))
            mlflow.log_artifacts(str(recorder.plots()), "plots")
            name = f"train-{parent.info.run_id}"
            if evaluation is not None:
                _log_evaluation(mlflow, evaluation)
                write_evaluation(settings, name, evaluation)
            versions = {}
            for done, kind in enumerate(experiment.models):
                progress(f"register {kind}", done, len(experiment.models))
                with recorder.run(kind, kind=kind) as run:
                    recorder.log_figures(kind)
                    worth = _worth(data, experiment, evaluation, kind, name)
                    versions[kind] = recorder.register(kind, run.info.run_id, worth)
        if serve:
            _set_aliases(settings, client, experiment, versions)
        return Recorded(parent.info.run_id, versions)


def record_evaluation(settings: Settings, evaluation: Evaluation, name: str) -> None:
    """Log an evaluation as a run of its own, and write it to the lake under this name."""
    with open_mlflow(settings) as (mlflow, client):
        tags = {
            "shop": evaluation.shop,
            registry.FEATURES_HASH: evaluation.snapshot,
            registry.PROTOCOL: evaluation.protocol,
        }
        run = mlflow.start_run(
            experiment_id=experiment_id(client, settings), run_name=f"evaluate {name}", tags=tags
        )
        with run:
            mlflow.log_params(
                {
                    "protocol": evaluation.protocol,
                    "relevant_from": evaluation.relevant,
                    "window": evaluation.window,
                    "users": evaluation.users,
                    "simple_rule": evaluation.rule,
                }
            )
            for kind in evaluation.kinds:
                if kind.role != "rule":
                    mlflow.log_metrics(_figures(kind))
            _log_evaluation(mlflow, evaluation)
    write_evaluation(settings, name, evaluation)


@dataclass(frozen=True)
class _Recorder:
    """Writes one experiment to MLflow."""

    mlflow: Any
    client: MlflowClient
    data: ShopData
    experiment: Experiment
    tags: dict[str, str]
    experiment_id: str
    scratch: Path

    def run(self, name: str, **tags: str) -> Any:
        """A run with this name, inside the one that is open. Without the experiment's id a nested
        run would go to MLflow's default experiment, and its model to the current folder."""
        return self.mlflow.start_run(
            experiment_id=self.experiment_id,
            run_name=name,
            nested=True,
            tags={**self.tags, **tags},
        )

    def plots(self) -> Path:
        """The folder of the experiment's pictures."""
        folder = self.scratch / "plots"
        folder.mkdir()
        draw_plots(self.experiment, folder)
        return folder

    def log_figures(self, kind: str) -> None:
        """Parameters and metrics of a kind, and SVD's learning curve."""
        experiment = self.experiment
        self.mlflow.log_params(experiment.parameters[kind])
        for prefix, figures in (("valid", experiment.validation), ("test", experiment.test)):
            if kind in figures:
                self.mlflow.log_metrics(figures[kind].scores.named(prefix))
        if kind == RATING_KIND and (curve := experiment.curve) is not None:
            errors = zip(curve.epochs, curve.known, curve.held_out, strict=True)
            for epoch, known, held_out in errors:
                self.mlflow.log_metrics(
                    {"rmse_known": known, "rmse_held_out": held_out}, step=epoch
                )

    def register(self, kind: str, run_id: str, worth: dict[str, str]) -> str:
        """Log the kind's model to the open run, and return its new version in the registry.

        Args:
            worth: tags that say how it was tested and what it was worth.
        """
        folder = self.scratch / kind / registry.ARTIFACT_FOLDER
        tags = {**self.tags, registry.KIND: kind, registry.READS: ",".join(tables_read(kind))}
        sha256 = artifact.save(self._artifact(kind, tags), folder)
        logged = self.mlflow.pyfunc.log_model(
            name=kind,
            python_model=str(MODEL_CODE),
            artifacts={"model": str(folder)},
            signature=_signature(),
            input_example=_example(self.data),
            # named here, so that MLflow does not import everything to find out
            pip_requirements=["recomart"],
        )
        # log_model(registered_model_name=...) would do the same, and print to the terminal
        if not self.client.search_registered_models(f"name = '{registry.REGISTERED_MODEL}'"):
            self.client.create_registered_model(
                registry.REGISTERED_MODEL,
                description="RecoMart's recommender; the tag `kind` says which.",
            )
        version = self.client.create_model_version(
            registry.REGISTERED_MODEL,
            source=logged.model_uri,
            run_id=run_id,
            model_id=logged.model_id,
            tags={**tags, **worth, registry.SHA256: sha256},
        )
        return str(version.version)

    def _artifact(self, kind: str, tags: dict[str, str]) -> Artifact:
        popularity = cast("Popularity", self.experiment.models[POPULARITY])
        facts = {"as_of": str(self.data.rules.as_of), "label_kind": self.data.label_kind}
        facts |= _facts(self.experiment)
        return Artifact(
            kind=kind,
            users=self.data.users,
            products=self.data.products,
            model=self.experiment.models[kind],
            popularity=popularity,
            facts={**tags, **facts},
        )


def tables_read(kind: str) -> tuple[str, ...]:
    """The published tables that a kind learns from, sorted."""
    return tuple(sorted(KINDS.get(kind).reads))


def _set_aliases(
    settings: Settings, client: MlflowClient, experiment: Experiment, versions: dict[str, str]
) -> None:
    name = registry.REGISTERED_MODEL
    client.set_registered_model_alias(name, registry.NEWEST_SVD, versions[RATING_KIND])
    if len(experiment.ranking) > 1:
        second = versions[experiment.ranking[1]]
        client.set_registered_model_alias(name, registry.CHALLENGER, second)
    else:
        client.delete_registered_model_alias(name, registry.CHALLENGER)
    promotion.name_champion(settings, client, versions[experiment.ranking[0]])


def _parameters(settings: Settings, data: ShopData, experiment: Experiment) -> dict[str, Any]:
    cases = experiment.cases
    return {
        "seed": settings.seed,
        "as_of": data.rules.as_of,
        "label_kind": data.label_kind,
        "labels": len(data.labels),
        "users": len(data.users),
        "products": len(data.products),
        "relevant_from": data.rules.relevant,
        "repeat_purchases": data.rules.repeat_purchases,
        "training_cases": len(cases.training),
        "candidate_rows": experiment.candidates,
        "validation_cut": cases.validation.now if cases.validation else None,
        "test_cut": cases.test.now if cases.test else None,
    }


def _facts(experiment: Experiment) -> dict[str, str]:
    """What a model says of the experiment that it comes from."""
    facts = {"protocol": experiment.protocol.name, "champion": experiment.ranking[0]}
    if (found := experiment.comparison) is not None:
        facts |= {"lift": str(found.lift), "simple_rule": found.rule}
    return facts


def _worth(
    data: ShopData,
    experiment: Experiment,
    evaluation: Evaluation | None,
    kind: str,
    name: str,
) -> dict[str, str]:
    """Tags of a version: up to when it learned, how its training was tested, what it was worth.

    Args:
        name: of the evaluation's file.
    """
    found = {registry.AS_OF: str(data.rules.as_of), registry.PROTOCOL: experiment.protocol.name}
    if evaluation is None:
        return found
    found[registry.EVALUATION] = name
    if evaluation.test_cut is not None:
        found[registry.TEST_CUT] = evaluation.test_cut
    if evaluation.rule is not None:
        found[registry.RULE] = evaluation.rule
    result = evaluation.of(kind)
    if result is None:
        return found
    if result.validation_ndcg is not None:
        found[registry.VALIDATION_NDCG] = f"{result.validation_ndcg:.3f}"
    lift = result.lift.get(MAIN)
    if lift is not None and lift.mean is not None:
        found[registry.LIFT] = f"{lift.mean:+.3f} [{lift.low:+.3f}, {lift.high:+.3f}]"
    return found


def _log_evaluation(mlflow: Any, evaluation: Evaluation) -> None:
    mlflow.log_dict(evaluation.model_dump(), "evaluation.json")


def _figures(kind: KindResult) -> dict[str, float]:
    """A kind's figures by name, such as `ranker.ndcg_at_10`; MLflow allows no @."""
    values = {name: one.mean for name, one in kind.figures.items()}
    values |= {f"{name}_lift": one.mean for name, one in kind.lift.items()}
    values |= {
        "coverage@10": kind.coverage,
        "novelty@10": kind.novelty,
        "personalisation@10": kind.personalisation,
        "top_sellers@10": kind.top_sellers,
        "rmse": kind.rmse,
    }
    return {
        f"{kind.name}.{name.replace('@', '_at_')}": value
        for name, value in values.items()
        if value is not None
    }


def _lift(experiment: Experiment) -> dict[str, float]:
    """The champion's nDCG@10 and the best simple rule's, and their paired difference."""
    found = experiment.comparison
    if found is None:
        return {}
    return {
        "champion_ndcg_at_10": found.champion_ndcg.mean,
        "simple_rule_ndcg_at_10": found.rule_ndcg.mean,
        "lift_over_simple_rule": found.lift.mean,
        "lift_low": found.lift.low,
        "lift_high": found.lift.high,
    }


def _signature() -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    lists = [("string", "user_id"), ("long", "place"), ("string", "product_id")]
    lists += [("double", "score"), ("string", "reason")]
    return ModelSignature(
        inputs=Schema([ColSpec("string", "user_id")]),
        outputs=Schema([ColSpec(kind, name) for kind, name in lists]),
        params=ParamSchema([ParamSpec("k", "long", 10)]),
    )


def _example(data: ShopData) -> Any:
    import pandas as pd

    return pd.DataFrame({"user_id": [str(user) for user in data.users.ids[:2]]})


def _commit() -> dict[str, str]:
    """The commit of the project folder (in a checkout, of the code), where git knows one."""
    with suppress(OSError, subprocess.SubprocessError):
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=find_project(),
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
        return {"git_commit": found.stdout.strip()}
    return {}
