"""What the values of a column say, whatever it is called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from onboarding.times import Mixture, TimeFormat, calculator, mixture, time_format
from recomart import casts
from recomart.events import EVENT_TYPES

MOST = 40
FEW_VALUES = 12
"""Whole numbers of at most this many values are not prices, if each comes often."""
_DECIMAL_COMMA = r"^\s*[-+]?\d{1,3}(\.\d{3})*,\d+\s*$|^\s*[-+]?\d+,\d+\s*$"
_GROUPED = r"^\s*[-+]?\d{1,3}((,\d{3})+\.\d+|(,\d{3}){2,})\s*$"
"""Thousands apart by commas. 1,299 is left out: its comma may be a decimal one."""

EVENT_WORDS: dict[str, str] = {
    "impression": "impression impressions shown exposure display seen viewitemlist productlistviewed "
    "viewpromotion productimpression",
    "view": "view views viewed pv pageview productview detail details visit productdetail "
    "ansicht angesehen vue vista open look browse viewitem productviewed viewproduct viewcontent "
    "itemview productdetailview",
    "click": "click clicks clicked clk klick klicks clic selectitem productclicked productclick "
    "selectcontent itemclick",
    "favorite": "favorite favourite fav favor like liked wishlist wish bookmark merken "
    "gemerkt merkliste addtowishlist save saved favori productaddedtowishlist wishlistproductadded "
    "wishlistadd",
    "add_to_cart": "addtocart cart add addtobasket basket addcart cartadd basketadd warenkorb inwarenkorb "
    "atc panier addtobag carrito productadded productaddedtocart itemadded",
    "remove_from_cart": "removefromcart remove removed removecart cartremove deletefromcart rfc "
    "ausdemwarenkorb removefrombasket basketremove productremoved productremovedfromcart itemremoved",
    "purchase": "purchase purchased buy bought order ordered transaction sale checkout kauf "
    "gekauft bestellung achat compra paid conversion payment ordercompleted completedorder "
    "orderplaced placedorder orderpaid checkoutcompleted ecommercepurchase",
}  # fmt: skip
"""Our event type -> words for it, without spaces and signs: those of GA4, Segment and others."""

_EVENT = {word: ours for ours, words in EVENT_WORDS.items() for word in words.split()}


def event_type_of(value: str) -> str | None:
    """Our event type for a shop's word; None when it is not known."""
    if value in EVENT_TYPES:
        return value
    return _EVENT.get(re.sub(r"[^a-zäöü]", "", value.lower()))


@dataclass(frozen=True)
class Column:
    """A source's column as sampled."""

    name: str
    values: pa.ChunkedArray

    @cached_property
    def filled(self) -> int:
        return len(self.values) - self.values.null_count

    @cached_property
    def distinct(self) -> frozenset[str]:
        return frozenset(v for v in pc.unique(self.values).to_pylist() if v is not None)

    @cached_property
    def is_unique(self) -> bool:
        """Whether hardly a value comes twice: the column may be a key, of data with some dirt."""
        return self.filled > 0 and len(self.distinct) >= 0.95 * len(self.values)

    @cached_property
    def numbers(self) -> Numbers:
        return _numbers(self.values)

    @cached_property
    def time(self) -> TimeFormat | None:
        return time_format(self.values) if self.filled else None

    @cached_property
    def mixed_time(self) -> Mixture | None:
        """Its formats, if its values are times of several."""
        return mixture(self.values) if self.filled and self.time is None else None

    @cached_property
    def counted(self) -> Mapping[str, int]:
        """Each value and how often it comes."""
        counts = pc.value_counts(self.values).to_pylist()
        return {c["values"]: c["counts"] for c in counts if c["values"] is not None}

    @cached_property
    def most(self) -> list[tuple[str, int]]:
        """The commonest values and how often they come, of few."""
        return sorted(self.counted.items(), key=lambda item: (-item[1], item[0]))[:MOST]

    @property
    def is_few_whole(self) -> bool:
        """Whether it has a few whole numbers only: a code, a rank or a count rather than money."""
        n = self.numbers
        return (
            n.share > 0.8 and n.integers == n.share
            and len(self.distinct) <= FEW_VALUES and self.filled > 5 * len(self.distinct)
        )  # fmt: skip

    @cached_property
    def mean_length(self) -> float:
        return float(pc.mean(pc.utf8_length(self.values)).as_py() or 0.0)


@dataclass(frozen=True)
class Numbers:
    """The numbers among a column's filled values. Bounds are None without any."""

    share: float
    """Of the filled values, those that are numbers, by either decimal sign."""
    commas: float
    """Those that are numbers with a decimal comma."""
    grouped: float
    """Those that have commas between their thousands: 1,299.00."""
    integers: float
    booleans: float
    low: float | None = None
    high: float | None = None
    usual_low: float | None = None
    usual_high: float | None = None
    """Between these lie all but 1% at either end."""

    @property
    def decimal(self) -> str | None:
        """What a source of such numbers must declare as its decimal; None for nothing."""
        if self.grouped:
            return "."
        return "," if self.commas else None


def _numbers(values: pa.ChunkedArray) -> Numbers:
    connection = calculator()
    connection.register("received", pa.table({"value": values}))
    comma = f"regexp_matches(value, '{_DECIMAL_COMMA}')"
    grouped = f"regexp_matches(value, '{_GROUPED}')"
    row = connection.execute(
        f"""
        with read as (
            select
                {comma} as comma, {grouped} as grouped,
                {casts.boolean("value")} is not null as flag,
                case
                    when comma then replace(replace(value, '.', ''), ',', '.')
                    when grouped then replace(value, ',', '')
                    else value
                end as pointed
            from received where value <> ''
        ),
        typed as (
            select comma, grouped, flag, cast({casts.exact_number("pointed")} as double) as number
            from read
        )
        select count(*), count(number), count(*) filter (where comma),
            count(*) filter (where grouped),
            count(*) filter (where number = trunc(number) and not comma), count(*) filter (where flag),
            min(number), max(number), quantile_disc(number, 0.01), quantile_disc(number, 0.99)
        from typed
        """
    ).fetchone()
    assert row is not None, "an aggregate has a row"
    total = row[0] or 1
    return Numbers(*(count / total for count in row[1:6]), *row[6:])
