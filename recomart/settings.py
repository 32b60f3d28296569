"""All settings, from environment variables (prefix RECOMART_), and the paths derived from them.

A project folder may keep variables in its `recomart.env`; the process's own environment wins.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from recomart import project as projects
from recomart.errors import ConfigurationError

PROJECT_ROOT = projects.CODE_ROOT
"""The checkout, for tests and benchmarks. Other code asks `Settings.project`."""
MOCK_API = "{mock_api}"
"""Stands in a shop file for the URL of the mock catalogue."""
MOCK_API_PORT = 5000
"""The mock catalogue's port, by hand; inside the pipeline it or the next free one."""


class Settings(BaseSettings):
    """What a run of RecoMart may vary. Every path is absolute once loaded.

    `dbt_project/profiles.yml` repeats three of the defaults (lake, shop, memory_limit), because
    dbt by hand reads no Python; `tests/unit/recomart/test_settings.py` holds them equal.
    """

    model_config = SettingsConfigDict(env_prefix=projects.PREFIX, frozen=True, extra="ignore")

    # first, because the validators of the paths below need it
    project: Path = Field(
        default_factory=projects.find_project,
        description="The project folder: relative paths and names of shops count from here",
    )
    shop: str = Field(
        "demo",
        description="The shop: a file in shops/ without its ending, or a path to a YAML file",
    )
    # None becomes the shop's own folder in the validator below
    lake: Path = Field(None, validate_default=True, description="The folder of this shop's lake")
    data: Path = Field(
        Path("data"),
        validate_default=True,
        description="The folder of external data sets; shop files call it {data}",
    )
    redis_url: str | None = Field(
        None,
        description="Your Redis, redis://[user:password@]host:port/db; unset: an embedded server",
    )
    kafka_servers: str | None = Field(None, description="The Kafka brokers, host:port,host:port")
    memory_limit: str = Field("2GB", description="The most memory DuckDB uses")
    threads: int = Field(
        default_factory=lambda: os.cpu_count() or 2, ge=1, description="Threads of DuckDB"
    )
    mock_api_url: str | None = Field(
        None,
        description="The URL that {mock_api} in a shop file means; unset: a mock API is started",
    )
    scale: float = Field(1.0, gt=0, description="Size of the demo shop; 1 makes 100,000 events")
    seed: int = Field(
        7, ge=0, description="Seed of the demo shop and of training; equal seeds give equal results"
    )
    stream_seconds: float = Field(
        20, ge=0, description="How long a pipeline streams simulated clicks; 0: no stream"
    )
    end_date: str | None = Field(
        None, description="Last day of the demo shop, YYYY-MM-DD (default: today)"
    )

    @field_validator("shop")
    @classmethod
    def _shop_is_named(cls, shop: str) -> str:
        if not shop.strip():
            raise ValueError("is empty; name a file of shops/ or give a path to a YAML file")
        return shop

    @field_validator("project")
    @classmethod
    def _project_is_absolute(cls, project: Path) -> Path:
        return project.expanduser().resolve()

    @field_validator("lake", mode="before")
    @classmethod
    def _lake_is_absolute(cls, lake: object, info: ValidationInfo) -> Path:
        if not lake:
            shop = Path(info.data.get("shop", "demo")).stem
            return _project(info) / "recomart_lake" / shop
        return (_project(info) / Path(str(lake)).expanduser()).resolve()

    @field_validator("data", mode="after")
    @classmethod
    def _data_is_absolute(cls, data: Path, info: ValidationInfo) -> Path:
        return (_project(info) / data.expanduser()).resolve()

    @field_validator("redis_url", "kafka_servers", "mock_api_url", "end_date", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return value or None

    @property
    def shop_name(self) -> str:
        """The shop's name: the stem of its file. Names the lake and Feast's project."""
        return Path(self.shop).stem

    @property
    def shop_file(self) -> Path:
        """The shop's YAML file, absolute; it need not exist yet."""
        if self.shop.endswith((".yml", ".yaml")):
            return (self.project / Path(self.shop).expanduser()).resolve()
        return self.shops / f"{self.shop}.yml"

    @property
    def shops(self) -> Path:
        """The project's folder of shop files."""
        return self.project / "shops"

    @property
    def feast_project(self) -> str:
        return f"recomart_{self.shop_name}".replace("-", "_")

    @property
    def warehouse(self) -> Path:
        return self.lake / "warehouse.duckdb"

    @property
    def raw(self) -> Path:
        """The landing zone: bytes as received."""
        return self.lake / "raw"

    @property
    def source_data(self) -> Path:
        """The demo shop's own files."""
        return self.lake / "source_data"

    @property
    def features(self) -> Path:
        """All published snapshots; `current` in it links to the one that is read."""
        return self.lake / "features"

    @property
    def current_features(self) -> Path:
        return self.features / "current"

    @property
    def published_features(self) -> Path:
        """Links to what was published last, whatever older snapshot is restored."""
        return self.features / "published"

    @property
    def registry(self) -> Path:
        return self.lake / "registry.db"

    @property
    def mlflow_uri(self) -> str:
        return f"sqlite:///{self.lake / 'mlflow.db'}"

    @property
    def mlflow_artifacts(self) -> Path:
        return self.lake / "mlartifacts"

    @property
    def reports(self) -> Path:
        return self.lake / "reports"

    @property
    def evaluation(self) -> Path:
        """What models were worth: a JSON file for each training and each protocol."""
        return self.lake / "evaluation"

    @property
    def eda_plots(self) -> Path:
        return self.lake / "eda_plots"

    @property
    def lineage(self) -> Path:
        return self.lake / "lineage"

    @property
    def logs(self) -> Path:
        return self.lake / "logs"

    @property
    def run_files(self) -> Path:
        """Pid files of the processes that RecoMart started for this lake."""
        return self.lake / "run"

    def environment(self) -> dict[str, str]:
        """The variables that make a child process see the same shop, lake, data and Redis."""
        values = {
            "RECOMART_PROJECT": str(self.project),
            "RECOMART_SHOP": self.shop if self.shop == self.shop_name else str(self.shop_file),
            "RECOMART_LAKE": str(self.lake),
            "RECOMART_DATA": str(self.data),
            "RECOMART_MEMORY_LIMIT": self.memory_limit,
            "RECOMART_THREADS": str(self.threads),
            "RECOMART_STREAM_SECONDS": f"{self.stream_seconds:g}",
        }
        if self.redis_url:
            values["RECOMART_REDIS_URL"] = self.redis_url
        if self.kafka_servers:
            values["RECOMART_KAFKA_SERVERS"] = self.kafka_servers
        return values


def _project(info: ValidationInfo) -> Path:
    """The project folder, validated before the field at hand."""
    project: Path = info.data["project"]
    return project


TELEMETRY_OFF = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment and the project's `recomart.env`.

    `overrides` win (tests and command-line options), then the environment, then the file.

    Raises:
        ConfigurationError: a variable has a value that cannot be used, or does not exist; names the
            variable. Or the current folder belongs to no project.
    """
    given = {key: value for key, value in overrides.items() if value is not None}
    project = Path(str(given.get("project") or projects.find_project()))
    known = tuple(name.upper() for name in Settings.model_fields)
    file = projects.settings_file(project, known)
    try:
        return Settings(_env_file=file, **given)  # type: ignore[call-arg,arg-type]  # pydantic's
    except ValidationError as exc:
        first = exc.errors()[0]
        name = f"RECOMART_{str(first['loc'][0]).upper()}"
        raise ConfigurationError(
            f"{name}: {first['msg']}",
            found=repr(first["input"]),
            help=f"set {name} to another value, or unset it for the default",
        ) from exc
