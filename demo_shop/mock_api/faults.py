"""Faults on demand: what the mock API does wrong, and at which requests."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from recomart.errors import ConfigurationError

FaultKind = Literal["429", "500", "slow", "truncated", "repeated_page"]
KINDS: tuple[str, ...] = get_args(FaultKind)

GRAMMAR = "KIND[:every=N | :first=N | :rate=SHARE][:seconds=S]"


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong with requests to /products, counted from 1.

    Without `every`, `first` or `rate` it goes wrong each time.
    """

    kind: FaultKind
    every: int | None = None
    """At each Nth request."""
    first: int | None = None
    """At the first N requests, and never again."""
    rate: float | None = None
    """At this share of the requests; always the same ones for a seed."""
    seconds: float = 1.0
    """How long a slow answer takes, or what Retry-After says (in whole seconds)."""

    def strikes(self, request: int, seed: int) -> bool:
        """Whether the fault shows at request number `request`."""
        if self.every is not None:
            return request % self.every == 0
        if self.first is not None:
            return request <= self.first
        if self.rate is not None:
            lot = zlib.crc32(f"{seed}/{self.kind}/{request}".encode()) / 2**32
            return lot < self.rate
        return True


@dataclass(frozen=True)
class Faults:
    """All faults of a server; the first that strikes a request is the one that shows."""

    rules: tuple[Fault, ...] = ()
    seed: int = 7

    def at(self, request: int) -> Fault | None:
        """The fault of request number `request`, if any."""
        return next((rule for rule in self.rules if rule.strikes(request, self.seed)), None)

    @classmethod
    def parse(cls, *texts: str) -> Faults:
        """Faults from texts such as `500:every=3` or `slow:rate=0.1:seconds=2`.

        Raises:
            ConfigurationError: a text does not follow GRAMMAR.
        """
        return cls(tuple(_parse(text) for text in texts))


def _parse(text: str) -> Fault:
    kind, *options = text.split(":")
    if kind not in KINDS:
        raise _not_understood(text, f"kinds: {', '.join(KINDS)}")
    values: dict[str, Any] = {}
    for option in options:
        name, _, value = option.partition("=")
        if name not in _READ:
            raise _not_understood(text, f"options: {', '.join(_READ)}")
        try:
            values[name] = _READ[name](value)
        except ValueError as exc:
            raise _not_understood(text, f"'{value}' is not a value for {name}") from exc
    return Fault(cast(FaultKind, kind), **values)


def _within(number: float, low: float, high: float) -> Any:
    if not low <= number <= high:
        raise ValueError
    return number


_READ: dict[str, Callable[[str], Any]] = {
    "every": lambda value: _within(int(value), 1, 1_000_000),
    "first": lambda value: _within(int(value), 1, 1_000_000),
    "rate": lambda value: _within(float(value), 0, 1),
    "seconds": lambda value: _within(float(value), 0, 3600),
}


def _not_understood(text: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the fault '{text}' is not understood; {why}",
        code="unknown-fault",
        help=f"write it as {GRAMMAR}, such as 500:every=3",
    )
