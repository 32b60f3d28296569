"""What will surely go to quarantine, per rule, with its share and examples of the bad values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from ingestion.contracts import USUAL_SHARE
from ingestion.shop_file import ShopFile
from onboarding.filter_check import cancellation_problems
from onboarding.scale import rating_scale
from onboarding.staging import StagingModels
from onboarding.times import percent, time_format
from onboarding.values import Column, event_type_of
from onboarding.values_check import Severity, Staged, problem
from recomart.errors import RecoMartError
from recomart.events import EVENT_TYPES
from recomart.rules.rule import Rule
from recomart.rules.rulebook import STOP_ABOVE, rules_of, stop_of
from recomart.shop.model import KEYS
from recomart.sql import identifier

EXAMPLES = 3


@dataclass(frozen=True)
class Broken:
    """A rule that some sampled records break.

    Args:
        count: how many break it; `total` is how many were sampled.
        values: the commonest bad values as received, with how often they come; empty where the
            rule is about values that are missing.
    """

    shop: ShopFile
    one: Staged
    rule: Rule
    count: int
    total: int
    values: tuple[tuple[str, int], ...]

    @property
    def column(self) -> str:
        assert self.rule.column, "rules of a record are about a column"
        return self.rule.column

    @property
    def share(self) -> float:
        return self.count / self.total

    @property
    def found(self) -> str | None:
        shown = [f"{v[:60]!r}" + (f" ({n:,})" if n > 1 else "") for v, n in self.values[:EXAMPLES]]
        return ", ".join(shown) or None

    @property
    def words(self) -> str:
        """As in: 15 of 30 sampled records (50.0%)."""
        return f"{self.count:,} of {self.total:,} sampled records ({percent(self.share)})"

    def problem(
        self, code: str, message: str, help: str, *, found: str | None = None,
        key: str | None = None, severity: Severity | None = None,
    ) -> RecoMartError:  # fmt: skip
        """The finding as an error, or as a warning up to the share at which publishing stops."""
        stop, at_least = stop_of(self.one.entity, self.shop.shop)
        limit = stop if self.rule.stop_above is None else self.rule.stop_above
        stops = self.share > limit and (self.count >= at_least or self.count == self.total)
        usual: Severity = "error" if stops else "warning"
        return problem(
            self.shop, self.one, self.column, code, message, found=found or self.found, help=help,
            key=key, severity=severity or usual,
        )  # fmt: skip


def problems(shop: ShopFile, models: StagingModels, one: Staged) -> Iterator[RecoMartError]:
    """Each rule that sampled records break, in the order of the rules."""
    if not one.ours.num_rows:
        return
    try:
        judged = models.rows(one.entity, one.ours)
        for broken in _broken(shop, one, judged):
            yield _WORDED.get(broken.rule.kind, _in_general)(broken)
        if one.source.cancellations:
            marked = judged.filter("is_cancellation").shape[0]
            sampled = one.source, one.shown, one.received
            yield from cancellation_problems(shop, one.entity, *sampled, marked)
    except duckdb.DataError as exc:
        yield problem(
            shop, one, next(iter(one.source.columns)), "unreadable-values",
            "some values make the query of its staging fail", found=str(exc).splitlines()[0][:200],
            help="fix the values, or map another column",
        )  # fmt: skip


def _broken(shop: ShopFile, one: Staged, judged: duckdb.DuckDBPyRelation) -> Iterator[Broken]:
    rules = [
        rule for rule in rules_of(shop.shop)
        if rule.entity == one.entity and rule.outcome == "quarantined" and not rule.names
    ]  # fmt: skip
    counts = ", ".join(
        f"count(*) filter (where list_contains(string_split(reject_reasons, ','), '{rule.code}'))"
        for rule in rules
    )
    row = judged.aggregate(f"count(*), {counts}").fetchone() if rules else None
    for rule, count in zip(rules, row[1:] if row else (), strict=True):
        if row and count:
            yield Broken(shop, one, rule, count, row[0], _examples(judged, rule))


def _examples(judged: duckdb.DuckDBPyRelation, rule: Rule) -> tuple[tuple[str, int], ...]:
    """The commonest values of the records that break a rule."""
    name = rule.column or ""
    received = name if rule.data_type == "text" else f"received_{name}"
    broken = judged.filter(f"list_contains(string_split(reject_reasons, ','), '{rule.code}')")
    rows = broken.filter(f"trim({identifier(received)}) <> ''").aggregate(
        f"{identifier(received)} as value, count(*) as records"
    ).order("records desc, value")  # fmt: skip
    return tuple((str(value), int(count)) for value, count in rows.limit(40).fetchall())


def _in_general(broken: Broken) -> RecoMartError:
    code = broken.rule.code.replace("_", "-")
    rule = broken.rule.words.removesuffix(".")
    return broken.problem(
        code,
        f"{broken.words} go to quarantine for their {broken.column}",
        f"the rule says: {rule}. Fix the values, map another column, or change the rule",
    )


def _out_of_time(broken: Broken) -> RecoMartError:
    """A time that the shop cannot have: often one that another format reads better."""
    declared, better = broken.one.source.time_format, time_format(_bad(broken))
    finding = _in_general(broken)
    # of a few times that are out of bounds, nothing says that they are in another format
    if better and better.format != declared and broken.share > STOP_ABOVE:
        finding.found = (
            f"{broken.found}      did you mean {json.dumps(better.format)}? ({better.words})"
        )
        finding.help = f"set time_format: {json.dumps(better.format)}, if these times are in it"
    return finding


def _missing(broken: Broken) -> RecoMartError:
    name, entity = broken.column, broken.one.entity
    if broken.count == broken.total and name in KEYS[entity]:
        return broken.problem(
            "empty-key", f"{name} is empty in every record",
            "map the source's column that identifies a record",
        )  # fmt: skip
    return broken.problem(
        "missing-values",
        f"{name} is empty in {broken.words}, which go to quarantine",
        f"map a column that is always filled to {name}, or leave these records out",
    )


def _of_wrong_type(broken: Broken) -> RecoMartError:
    return (_no_time if broken.rule.data_type == "time" else _no_number)(broken)


def _no_time(broken: Broken) -> RecoMartError:
    declared, column = broken.one.source.time_format, broken.one.column(broken.column)
    filled = column.filled or 1
    share = 1 - broken.count / filled
    better = time_format(_bad(broken)) or time_format(column.values)
    found = broken.found or ""
    help = "declare its time_format (iso, epoch_seconds, epoch_milliseconds, or a pattern)"
    if better and better.format != declared and share < 1 - USUAL_SHARE:
        found += f"      did you mean {json.dumps(better.format)}? ({better.words})"
        help = f"set time_format: {json.dumps(better.format)}"
        if better.rival:
            help += f", or {json.dumps(better.rival)}, which fits just as well"
        if share:
            help = (
                f"a source has one time format, and these are in {json.dumps(better.format)}: "
                "write one format into the files, or give the others a source of their own"
            )
    elif better is None and share == 0:
        help = f"map another column to {column.name}: its values are not times in any known format"
    elif share >= 1 - USUAL_SHARE:
        help = "fix the values, or leave these records to quarantine"
    return broken.problem(
        "wrong-values", f"{_some(share)} of {column.name} {_are(share)} a time ({declared})",
        help, found=found, key=f"{broken.one.entity}.time_format",
    )  # fmt: skip


def _bad(broken: Broken) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array([v for v, _ in broken.values], pa.string())])


def _no_number(broken: Broken) -> RecoMartError:
    one, name = broken.one, broken.column
    column = one.column(name)
    share = 1 - broken.count / (column.filled or 1)
    bad = Column(name, _bad(broken)).numbers
    what = "a number" if broken.rule.data_type == "number" else broken.rule.words
    if broken.rule.data_type not in ("number", "integer"):
        return _in_general(broken)
    found, help = broken.found or "", f"map another column to {name}, or fix the values"
    if bad.commas + bad.grouped > USUAL_SHARE and "decimal" in type(one.source).model_fields:
        kind = "commas between thousands" if bad.decimal == "." else "a decimal comma"
        found += f"      {percent(bad.grouped or bad.commas)} of them have {kind}"
        help = f'set {one.entity}.decimal: "{bad.decimal}"'
    what = "a number" if broken.rule.data_type == "number" else "a whole number"
    return broken.problem(
        "wrong-values", f"{_some(share)} of {name} {_are(share)} {what}", help, found=found
    )


def _some(share: float) -> str:
    return "no value" if share <= 0 else f"only {percent(share)} of the values"


def _are(share: float) -> str:
    return "is" if share <= 0 else "are"


def _out_of_range(broken: Broken) -> RecoMartError:
    if broken.column != "rating" or broken.rule.data_type != "number":
        return _in_general(broken)
    low, high = broken.shop.shop.rating_scale
    wider = rating_scale(broken.one.column("rating"))
    help = "they go to quarantine; if they are right, widen rating_scale"
    usual = broken.share <= USUAL_SHARE
    if wider != (low, high) and not usual:
        help = f"set rating_scale: [{wider[0]:g}, {wider[1]:g}]"
    return broken.problem(
        "out-of-scale",
        f"{broken.count:,} of {broken.total:,} sampled ratings lie outside of {low:g} to {high:g}",
        help, key="rating_scale", severity="warning" if usual else "error",
    )  # fmt: skip


def _not_listed(broken: Broken) -> RecoMartError:
    if broken.column != "event_type":
        return _in_general(broken)
    meant = {value: event_type_of(value) for value, _ in broken.values}
    known = ", ".join(f"{json.dumps(v)}: {ours}" for v, ours in meant.items() if ours)
    help = f"give each of them one of {', '.join(EVENT_TYPES)}, or leave those rows to quarantine"
    if known:
        help = f"add to its values: {{{known}}}"
    return broken.problem(
        "unknown-event-type",
        f"{percent(broken.share)} of the sampled events are of a type that is not ours",
        help, found=", ".join(f"{value} ({count:,})" for value, count in broken.values[:8]),
        severity="error" if broken.share > USUAL_SHARE else "warning",
    )  # fmt: skip


_WORDED: Mapping[str, Callable[[Broken], RecoMartError]] = {
    "required": _missing, "type": _of_wrong_type, "range": _out_of_range, "one_of": _not_listed,
    "time": _out_of_time,
}  # fmt: skip
"""Kind of rule -> how its finding is written; the others are written from their words."""
