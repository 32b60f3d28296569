"""Carrying out a plan: what is not carried out is an error."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ingestion.actions import Skip
from ingestion.execute import Executor


def test_a_reason_to_skip_that_nobody_handles_is_an_error() -> None:
    executor = object.__new__(Executor)  # no reason but the known ones looks at its parts
    with pytest.raises(AssertionError, match="because it rains"):
        executor._skip(Skip("users", "users.csv", cast(Any, "because it rains")))
