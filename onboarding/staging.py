"""The SQL of dbt's staging models, for samples: a check cannot disagree with what dbt does later."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
from jinja2 import Environment

from ingestion.dbt_declaration import declaration
from onboarding.times import calculator
from recomart.errors import ExtensionError
from recomart.project import DBT_PROJECT
from recomart.shop.model import Shop

_MACRO = re.compile(r"{%-?\s*macro\s+(\w+)\s*\(.*?{%-?\s*endmacro\s*-?%}", re.DOTALL)
_ADAPTERS = ("duckdb", "default")


class _Returned(Exception):
    """What a macro returns, as dbt's `return` does."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class StagingModels:
    """Renders `models/staging/stg_<entity>.sql` for a shop without dbt, which takes seconds to start.

    dbt is Jinja with a few names of its own; those that the staging models use are given here.
    """

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        declared = declaration(shop)
        names: dict[str, Any] = {
            "return": _return,
            "adapter": _Namespace(dispatch=self._dispatched),
            "dbt": _Namespace(type_string=lambda: "varchar"),
            "exceptions": _Namespace(raise_compiler_error=_refuse),
            "config": lambda **_: "",
            "ref": lambda name: name,
            "source": lambda schema, name: f"{schema}_{name}",
        }
        self._environment = Environment(extensions=["jinja2.ext.do"], autoescape=False)
        self._environment.globals.update(names)
        for path in sorted((DBT_PROJECT / "macros").rglob("*.sql")):
            for macro in _MACRO.finditer(path.read_text(encoding="utf-8")):
                self._environment.globals[macro[1]] = self._lazy(macro[1], macro[0])
        self._environment.globals["shop_declared"] = lambda: declared
        self._environment.globals["context"] = self._environment.globals

    def sql(self, entity: str) -> str:
        """The SQL of an entity's staging model; reads raw_<entity>, stg_shop and stg_loads."""
        path = DBT_PROJECT / "models" / "staging" / f"stg_{entity}.sql"
        return self._environment.from_string(path.read_text(encoding="utf-8")).render()

    def rows(self, entity: str, received: pa.Table) -> duckdb.DuckDBPyRelation:
        """The staged rows of a sample, with `reject_reasons`, as dbt would stage them.

        Args:
            received: the columns of raw.<entity> but those that a load adds.

        Raises:
            duckdb.DataError: a value makes the query fail, as it would make dbt fail.
        """
        connection = calculator()
        numbers = pa.array(range(1, received.num_rows + 1), pa.int64())
        connection.register("sampled_ours", received.append_column("_record", numbers))
        clock = self._shop.as_of
        as_of = clock.astimezone(UTC).replace(tzinfo=None) if isinstance(clock, datetime) else None
        now = datetime.now(UTC).replace(tzinfo=None)
        connection.execute(
            "create or replace temp table stg_shop as "
            "select ?::timestamp as declared_as_of, ?::timestamp as judged_at",
            [as_of, now],
        )
        connection.execute(
            "create or replace temp table stg_loads as select '' as batch_id, '' as source where false"
        )
        connection.execute(
            f"create or replace temp table raw_{entity} as select *, 'sample' as _batch_id, "
            "'sample' as _source_file, ?::timestamp as _loaded_at from sampled_ours",
            [now],
        )
        connection.execute(f"create or replace temp table judged as {self.sql(entity)}")
        return connection.table("judged")

    def _lazy(self, name: str, text: str) -> Callable[..., Any]:
        """A macro, compiled when it is called. Each has a template of its own, so that it calls
        others through this function as well, and gets what they return."""
        module = cache(lambda: self._environment.from_string(text).module)

        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return getattr(module(), name)(*args, **kwargs)
            except _Returned as returned:
                return returned.value

        return call

    def _dispatched(self, macro: str, *_: Any) -> Any:
        names = (f"{adapter}__{macro}" for adapter in _ADAPTERS)
        return next(
            found for name in names if (found := self._environment.globals.get(name)) is not None
        )


class _Namespace:
    """Names below a name, as `adapter.dispatch`."""

    def __init__(self, **names: Any) -> None:
        self.__dict__.update(names)


def _return(value: Any) -> None:
    raise _Returned(value)


def _refuse(message: str) -> None:
    raise ExtensionError(message, help="see docs/extending.md")
