"""Protocols of evaluation, one module each: what is held out, and what a model may know before.

A protocol cuts a shop's data into cases. The combiners learn from the training cases; parameters
and champion are chosen on the validation case; the test case is looked at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol as TypingProtocol

import numpy as np

from recomart.registry import Registry
from training.behaviour import Events
from training.evaluate import Holdout
from training.interactions import Interactions
from training.labels import ShopData


@dataclass(frozen=True)
class Case:
    """What was known at a time, and what is held out.

    Args:
        name: for logs: training, validation or test, with its place in time.
        known: the labels that were known.
        events: the events that were known, in the order of time.
        now: the time that is asked about.
        holdout: what is to be foretold.
    """

    name: str
    known: Interactions
    events: Events
    now: np.datetime64
    holdout: Holdout


@dataclass(frozen=True)
class Cases:
    """What a protocol makes of a shop.

    Args:
        training: what combiners learn from, the earliest first; empty when the shop has too little.
        validation: what parameters and champion are chosen on; None when the shop has too little.
        test: what is reported; None when the shop has too little.
        as_of: whether the features of the feature store may be asked for, as of each case's `now`.
    """

    training: tuple[Case, ...]
    validation: Case | None
    test: Case | None
    as_of: bool = True

    @property
    def judged(self) -> tuple[Case, ...]:
        """Validation and test, as far as they are there."""
        return tuple(case for case in (self.validation, self.test) if case is not None)

    @property
    def all(self) -> tuple[Case, ...]:
        """All of them, in order."""
        return (*self.training, *self.judged)


class Protocol(TypingProtocol):
    """A way of holding data out."""

    @property
    def name(self) -> str: ...

    @property
    def words(self) -> str:
        """What it does, as one line for people."""
        ...

    def cases(self, data: ShopData, *, seed: int) -> Cases:
        """Cut a shop's data. Equal data and seed give equal cases."""
        ...


PROTOCOLS: Registry[Protocol] = Registry(
    "protocol of evaluation",
    "training.protocols",
    "PROTOCOL",
    Protocol,  # type: ignore[type-abstract]  # only its members' names are read
)
