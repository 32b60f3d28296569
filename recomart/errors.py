"""The errors that RecoMart raises.

RecoMartError
├── ConfigurationError          the settings, a shop file or a command are wrong
│   ├── ShopFileError           a key of shops/<name>.yml is wrong
│   ├── WrongLake               the lake belongs to another shop
│   └── ExtensionError          a module that extends RecoMart is incomplete, or two share a name
├── SourceError                 the user's data cannot be loaded
│   ├── SourceMissing           no file matches, or a file is empty or unreadable
│   ├── HeaderMismatch          a column is missing, renamed, unexpected or duplicated
│   ├── DatabaseError           a database is down, refuses, or lacks a table or column
│   ├── StorageError            a filesystem elsewhere is down, refuses, or lacks an object
│   │   └── ObjectChanged       an object changed while it was read
│   └── CatalogueError          the HTTP catalogue is down, refuses, or returns invalid pages
├── WarehouseLocked             another process has the warehouse open
├── RedisUnavailable            no Redis server answers
├── KafkaUnavailable            no Kafka broker answers
├── PortInUse                   another process uses the port
├── NotReady                    an earlier step has not run yet
│   ├── NothingPublished        the lake has no published features
│   └── NoChampion              the model registry has no champion
├── InvalidKey                  a value in a frame or a lookup is no entity's key
├── InvalidLabels               a training frame lacks a column, or has one too many
├── UnknownName                 a name or hash is unknown or ambiguous
├── ModelDamaged                a registered model's files were changed or lost
├── OneWriter                   another writer owns this view of the online store
├── SnapshotDamaged             a snapshot's files were changed or lost
├── StreamFailed                the simulator or the speed layer stopped early
├── StreamInterrupted           the speed layer was stopped while it waited for Redis or the disk
├── TransformFailed             a dbt model or test failed; nothing was published
└── StepFailed                  a step failed with an unexpected exception, its cause
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Literal


class RecoMartError(Exception):
    """An error that says what was found, where, and what to do next.

    Args:
        message: what is wrong; names the file, line or key.
        where: the place, as `path:line   key: value`.
        found: what was found there.
        help: what to do next, as a sentence or a command.
        code: a short name in kebab case; default: made from the class's name.
        severity: warnings are printed, never raised.
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
        """The error as a compiler prints it: code, message, place, finding and help."""
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
    """The settings, a shop file or a command are wrong."""


class ShopFileError(ConfigurationError):
    """A key of a shop file is missing, unknown or has a wrong value."""


class WrongLake(ConfigurationError):
    """The lake belongs to another shop."""


class ExtensionError(ConfigurationError):
    """A module that adds a kind of source, rule or model is incomplete, or two share a name."""


class SourceError(RecoMartError):
    """The user's data cannot be loaded."""


class SourceMissing(SourceError):
    """No file matches, or a file is empty or unreadable."""


class HeaderMismatch(SourceError):
    """A column is missing, renamed, unexpected or duplicated."""


class DatabaseError(SourceError):
    """A database is not reachable, refuses or breaks off, or lacks a table or column."""


class StorageError(SourceError):
    """A filesystem elsewhere is not reachable, refuses, or lacks an object."""


class ObjectChanged(StorageError):
    """An object changed while it was read: what was read of it may be of two versions."""


class CatalogueError(SourceError):
    """The HTTP catalogue is down, refuses, or returns invalid pages."""


class WarehouseLocked(RecoMartError):
    """Another process has the warehouse open."""


class RedisUnavailable(RecoMartError):
    """No Redis server answers."""


class KafkaUnavailable(RecoMartError):
    """No Kafka broker answers."""


class PortInUse(RecoMartError):
    """Another process uses the port of a server."""


class NotReady(RecoMartError):
    """An earlier step has not run yet."""


class NothingPublished(NotReady):
    """The lake has no published features."""


class NoChampion(NotReady):
    """The model registry has no champion."""


class InvalidKey(RecoMartError, ValueError):
    """A value in a training frame or an online lookup is no entity's key."""


class InvalidLabels(RecoMartError, ValueError):
    """A training frame lacks a join key or its times, or has a column with a feature's name."""


class UnknownName(RecoMartError):
    """A name or hash is unknown or ambiguous."""


class ModelDamaged(RecoMartError):
    """A registered model's files were changed or lost."""


class OneWriter(RecoMartError):
    """Each view of the online store has one writer, and this is not that writer."""


class SnapshotDamaged(RecoMartError):
    """A snapshot's files were changed or lost."""


class StreamFailed(RecoMartError):
    """The simulator or the speed layer stopped early."""


class StreamInterrupted(RecoMartError):
    """The speed layer was stopped while it waited for Redis or the disk."""


class TransformFailed(RecoMartError):
    """A dbt model or test failed; nothing was published."""


class StepFailed(RecoMartError):
    """A step of the pipeline failed with an unexpected exception, its cause."""
