"""Every error that RecoMart raises on purpose.

RecoMartError
├── ConfigurationError          settings or a shop file are wrong
│   ├── ShopFileError           a key of shops/<name>.yml
│   ├── WrongLake               the lake belongs to another shop
│   └── ExtensionError          a module that extends RecoMart is incomplete or clashes
├── SourceError                 the user's data cannot be taken as it is
│   ├── SourceMissing           no file matches, or a file is empty or unreadable
│   ├── HeaderMismatch          a column is missing, renamed, extra or twice there
│   └── CatalogueError          the HTTP catalogue is down, refuses, or lies about its pages
├── WarehouseLocked             another process holds the warehouse file
├── RedisUnavailable            no server answers where one should
├── KafkaUnavailable            no broker answers where one should
├── PortInUse                   a server of ours cannot bind
├── NotReady                    an earlier step has not run yet
│   ├── NothingPublished        no tested features
│   └── NoChampion              no registered model
├── UnknownName                 nothing has this name or hash, or more than one thing has
├── ModelDamaged                a registered model's files are not those that were registered
├── OneWriter                   a view of the online store is another's to write
├── SnapshotDamaged             a snapshot's files are not those that were published
├── StreamFailed                simulator or speed layer ended before their time
├── StreamInterrupted           the speed layer was stopped while something refused to go on
├── TransformFailed             a dbt model or test failed; nothing was published
└── StepFailed                  a step of the pipeline failed (carries the cause)
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Literal


class RecoMartError(Exception):
    """An error that says what was found, where, and what to do next.

    Args:
        message: what is wrong, naming the file, line or key.
        where: the place as `path:line   key: value`, when there is one.
        found: what was found there.
        help: what to do next, as a sentence or a command.
        severity: "warning" for what is worth a look and stops nothing; such a one is only shown.
    """

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        found: str | None = None,
        help: str | None = None,
        code: str | None = None,
        severity: Literal["error", "warning"] = "error",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.found = found
        self.help = help
        self.code = code or _kebab(type(self).__name__)
        self.severity = severity

    def render(self) -> str:
        """The error in the form of a compiler's: rule, place, finding, help."""
        lines = [f"{self.severity}[{self.code}]: {self.message}"]
        if self.where:
            lines.append(f"  --> {self.where}")
        if self.found:
            lines.append(f"  found: {self.found}")
        if self.help:
            lines.append(f"  help: {self.help}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.render()


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`did you mean "transform"? ` for the nearest known name; empty when none is near."""
    near = get_close_matches(name, list(known), n=1)
    return f'did you mean "{near[0]}"? ' if near else ""


def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


class ConfigurationError(RecoMartError):
    """Settings or a shop file are wrong."""


class ShopFileError(ConfigurationError):
    """A key of a shop file is missing, unknown or has a wrong value."""


class WrongLake(ConfigurationError):
    """The lake records another shop than the one that is asked for."""


class ExtensionError(ConfigurationError):
    """A module that adds a kind of source, rule or model is incomplete, or two share a name."""


class SourceError(RecoMartError):
    """The user's data cannot be taken as it is."""


class SourceMissing(SourceError):
    """No file matches, or a file is empty or unreadable."""


class HeaderMismatch(SourceError):
    """A column is missing, renamed, extra or twice there."""


class CatalogueError(SourceError):
    """The HTTP catalogue is down, refuses, or lies about its pages."""


class WarehouseLocked(RecoMartError):
    """Another process holds the warehouse file."""


class RedisUnavailable(RecoMartError):
    """No Redis server answers where one should."""


class KafkaUnavailable(RecoMartError):
    """No Kafka broker answers where one should."""


class PortInUse(RecoMartError):
    """A server of ours cannot bind its port."""


class NotReady(RecoMartError):
    """An earlier step has not run yet."""


class NothingPublished(NotReady):
    """There are no tested features in the lake."""


class NoChampion(NotReady):
    """The model registry has no champion."""


class UnknownName(RecoMartError):
    """Nothing has this name or hash, or more than one thing has."""


class ModelDamaged(RecoMartError):
    """A registered model's files are not those that were registered."""


class OneWriter(RecoMartError):
    """Each view of the online store has one writer, and this is not it."""


class SnapshotDamaged(RecoMartError):
    """A snapshot's files are not those that were published."""


class StreamFailed(RecoMartError):
    """The simulator or the speed layer ended before their time."""


class StreamInterrupted(RecoMartError):
    """The speed layer was stopped while Redis or the disk refused to take what it held."""


class TransformFailed(RecoMartError):
    """A dbt model or test failed; nothing was published."""


class StepFailed(RecoMartError):
    """A step of the pipeline failed."""
