"""Feast is imported without typeguard's instrumentation, and typeguard is its own afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("feast_import_child.py")


@pytest.fixture(scope="module")
def found() -> dict:
    # a process of its own: this one may have imported Feast before RecoMart
    done = subprocess.run(
        [sys.executable, str(CHILD)], capture_output=True, text=True, check=True, timeout=120
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_no_class_of_feast_is_instrumented(found):
    assert found["feast's are checked"] == []


def test_feasts_classes_work(found):
    assert found["feature"] == ["spent"]
    assert found["equal"]


def test_typeguard_is_restored_and_checks_other_classes(found):
    assert found["restored"]
    assert found["own is checked"]
    assert 'argument "number"' in found["own error"]


def test_two_calls_install_one_finder(found):
    assert found["finders"] == 1
