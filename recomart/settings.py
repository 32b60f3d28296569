"""All settings, from the environment alone (prefix RECOMART_), and the paths derived from them."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from recomart.errors import ConfigurationError

PROJECT_ROOT = Path(__file__).resolve().parents[1]
MOCK_API_PORT = 5000
"""The mock catalogue's port, by hand; inside the pipeline it or the next free one."""


class Settings(BaseSettings):
    """What a run of RecoMart may vary. Every path is absolute once loaded.

    `dbt_project/profiles.yml` repeats three of the defaults (lake, shop, memory_limit), because
    dbt by hand reads no Python; `tests/unit/recomart/test_settings.py` holds them equal.
    """

    model_config = SettingsConfigDict(env_prefix="RECOMART_", frozen=True, extra="ignore")

    shop: str = Field("demo", description="A file in shops/ without its ending, or a path to YAML.")
    # None becomes the shop's own folder in the validator below
    lake: Path = Field(None, validate_default=True, description="The lake of this shop.")  # type: ignore[assignment]
    data: Path = Field(PROJECT_ROOT / "data", description="External data sets.")
    redis_url: str | None = Field(None, description="Unset: an embedded server under the lake.")
    kafka_servers: str | None = Field(None, description="host:port,... of the Kafka brokers.")
    memory_limit: str = Field("2GB", description="DuckDB's memory limit, in its own notation.")
    threads: int = Field(default_factory=lambda: os.cpu_count() or 2, ge=1)
    mock_api_url: str | None = Field(None, description="Where {mock_api} of a shop file points to.")
    scale: float = Field(1.0, gt=0, description="Size of the demo shop; 1 makes 100,000 events")
    seed: int = Field(
        7, ge=0, description="Seed of the demo shop and of training; equal seeds give equal results"
    )
    stream_seconds: float = Field(
        20, ge=0, description="How long visitors are streamed beside a pipeline; 0: not at all."
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

    @field_validator("lake", mode="before")
    @classmethod
    def _lake_is_absolute(cls, lake: object, info: ValidationInfo) -> Path:
        if not lake:
            shop = Path(info.data.get("shop", "demo")).stem
            return PROJECT_ROOT / "recomart_lake" / shop
        return (PROJECT_ROOT / Path(str(lake)).expanduser()).resolve()

    @field_validator("data", mode="after")
    @classmethod
    def _data_is_absolute(cls, data: Path) -> Path:
        return (PROJECT_ROOT / data.expanduser()).resolve()

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
            return (PROJECT_ROOT / Path(self.shop).expanduser()).resolve()
        return PROJECT_ROOT / "shops" / f"{self.shop}.yml"

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


TELEMETRY_OFF = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment; `overrides` win (tests and command-line options).

    Raises:
        ConfigurationError: a variable has a value that cannot be used; names the variable.
    """
    given = {key: value for key, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as exc:
        first = exc.errors()[0]
        name = f"RECOMART_{str(first['loc'][0]).upper()}"
        raise ConfigurationError(
            f"{name}: {first['msg']}",
            found=repr(first["input"]),
            help=f"set {name} to another value, or unset it for the default",
        ) from exc
