"""What test_feast_import.py runs in a process of its own: imports Feast, and prints what it found."""

from __future__ import annotations

import json
import sys

import typeguard

original = typeguard.typechecked

from feature_store._feast_import import skip_type_checks  # noqa: E402

skip_type_checks()  # again: the package did so when it was imported

from feast import Entity, FeatureView, Field, FileSource, ValueType  # noqa: E402
from feast.infra.online_stores.redis import RedisOnlineStore  # noqa: E402, F401
from feast.types import Float64  # noqa: E402


def is_checked(function):
    return "typeguard._functions" in function.__code__.co_names  # the check that it adds imports


@typeguard.typechecked
class Own:
    def double(self, number: int) -> int:
        return 2 * number


user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.STRING)
view = FeatureView(
    name="ftr_users",
    entities=[user],
    schema=[Field(name="spent", dtype=Float64)],
    source=FileSource(name="users", path="users.parquet", timestamp_field="event_timestamp"),
)
again = FeatureView.from_proto(view.to_proto())
try:
    Own().double("2")
    own_error = None
except typeguard.TypeCheckError as error:
    own_error = str(error)
checked = [
    f"{module}.{name}.{attribute}"
    for module, content in sorted(sys.modules.items())
    if module.startswith("feast.")
    for name, one in vars(content).items()
    if isinstance(one, type) and one.__module__ == module
    for attribute, function in vars(one).items()
    if hasattr(function, "__code__") and is_checked(function)
]
found = {
    "restored": typeguard.typechecked is original,
    "own is checked": is_checked(Own.double),
    "own error": own_error,
    "feast's are checked": checked,
    "feature": [field.name for field in again.features],
    "equal": again == view,
    "finders": sum("_FeastFinder" in type(finder).__name__ for finder in sys.meta_path),
}
sys.stdout.write(json.dumps(found))
