"""Drafts of exports as shops have them, each with one peculiarity: the drafted file is right unedited."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingestion.shop_file import read_shop
from onboarding import Draft, check, init
from onboarding.spelling import alike
from recomart.settings import load_settings
from recomart.shop.model import Shop


def draft_of(folder: Path, **files: str) -> Draft:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return init(folder)


def shop_of(draft: Draft, folder: Path) -> Shop:
    return read_shop(draft.text(folder / "acme.yml"), folder / "acme.yml").shop


def mapped(shop: Shop, entity: str) -> dict[str, str | None]:
    """Our columns, each with the source's column that gives it."""
    return {name: column.column for name, column in shop.sources()[entity].columns.items()}


def ratings(
    days: list[str], header: str = "user_id,product_id,rating,rated_at", end: str = ""
) -> str:
    rows = [f"u{n % 20},p{n % 9},{n % 5 + 1},{day}{end}" for n, day in enumerate(days)]
    return "\n".join([header, *rows]) + "\n"


DAYS = [f"2025-01-{n % 28 + 1:02}" for n in range(60)]


def test_a_year_of_two_digits_is_never_the_year_10(tmp_path: Path) -> None:
    days = [f"{n % 12 + 1}/{n % 28 + 1}/10 8:2{n % 10}" for n in range(60)]
    draft = draft_of(tmp_path, ratings__csv=ratings(days))
    assert draft.guesses[0].time_format == "%m/%d/%y %H:%M"


def test_the_index_of_an_export_is_ignored_and_its_header_is_one(tmp_path: Path) -> None:
    rows = [
        f"{n},{500 + n},kim{n % 5},art{n % 8},{n % 3 + 1},{n}.25,2025-02-{n % 28 + 1:02}"
        for n in range(40)
    ]
    text = "\n".join([",order_no,customer,article,qty,price,date", *rows]) + "\n"
    shop = shop_of(draft_of(tmp_path, orders__csv=text), tmp_path)
    assert shop.transactions is not None
    assert shop.transactions.header is True  # type: ignore[attr-defined]
    assert shop.transactions.ignore == ("unnamed_1",)
    assert mapped(shop, "transactions") == {
        "order_id": "order_no", "line_no": "article", "user_id": "customer",
        "product_id": "article", "quantity": "qty", "unit_price": "price", "ordered_at": "date",
    }  # fmt: skip


@pytest.mark.parametrize("header_ends_so", [True, False])
def test_a_delimiter_at_the_end_is_an_ignored_column(tmp_path: Path, header_ends_so: bool) -> None:
    header = "user_id,product_id,rating,rated_at" + "," * header_ends_so
    draft = draft_of(tmp_path, ratings__csv=ratings(DAYS, header, ","))
    shop = shop_of(draft, tmp_path)
    assert shop.ratings is not None
    assert shop.ratings.ignore == ("unnamed_5",)
    assert not draft.notes


def test_the_empty_rows_of_a_spreadsheet_do_not_hide_a_catalogue(tmp_path: Path) -> None:
    rows = [f"prd{n:04},kind{n % 9},{n % 21 + 20}" for n in range(50)] + [",,"] * 400
    text = "\n".join([",,", "product_id,product_category_name,name_length", *rows]) + "\n"
    draft = draft_of(tmp_path, products__csv=text)
    assert {ours: c.column for ours, c in draft.guesses[0].choices.items()} == {
        "product_id": "product_id", "category": "product_category_name",
    }  # fmt: skip
    assert draft.guesses[0].table.records.num_rows == 50


@pytest.mark.parametrize(
    ("files", "products"), [(60, 5), (2_000, 10)], ids=["5 of 60", "10 of 2,000"]
)
def test_canonical_names_are_trusted_however_few_products_there_are(
    tmp_path: Path, files: int, products: int
) -> None:
    rows = [f"{n % 37},{n % products},{n % 5 + 1},{DAYS[n % 60]}" for n in range(files)]
    text = "\n".join(["user_id,product_id,rating,rated_at", *rows]) + "\n"
    shop = shop_of(draft_of(tmp_path, ratings__csv=text), tmp_path)
    assert mapped(shop, "ratings") == {
        name: name for name in ("user_id", "product_id", "rating", "rated_at")
    }


def test_two_time_formats_in_one_column_are_told_with_their_share(tmp_path: Path) -> None:
    days = [day if n % 5 < 3 else f"{n % 28 + 1:02}.01.2025" for n, day in enumerate(DAYS)]
    draft = draft_of(tmp_path, ratings__csv=ratings(days))
    assert draft.guesses[0].time_format == "iso"
    (note,) = draft.notes
    assert note.startswith("unsure: ratings.time_format: only 60.0% of it parses as iso; ")
    assert "the others look like %d.%m.%Y" in note


def order_items(*, number: bool = True) -> str:
    """160 lines of 80 orders; every second order has two lines of one product."""
    lines = ["order_id,order_item_id,customer,product_id,price,placed_at,product_category_name"]
    for n in range(160):
        order, place = n // 2, n % 2 + 1
        product = order % 30 if order % 2 else n % 30
        row = f"o{order},{place},c{order % 25},p{product},{product}.90,2025-03-{order % 28 + 1:02}"
        lines.append(f"{row},kind{product % 4}")
    text = "\n".join(lines) + "\n"
    return text if number else text.replace("order_item_id", "position in list")


@pytest.mark.parametrize("number", [True, False], ids=["by its name", "by its values"])
def test_the_number_of_an_order_item_tells_lines_apart_and_not_the_product(
    tmp_path: Path, number: bool
) -> None:
    shop = shop_of(draft_of(tmp_path, lines__csv=order_items(number=number)), tmp_path)
    columns = mapped(shop, "transactions")
    assert columns["line_no"] == ("order_item_id" if number else "position in list")
    assert columns["product_id"] == "product_id"
    assert "quantity" not in columns


def test_lines_that_are_there_twice_are_numbered_within_their_order(tmp_path: Path) -> None:
    lines = [f"2024-01-0{n % 9 + 1},c{n % 7},a{n % 11},{n % 11 + 3}" for n in range(80)]
    rows = ["day,customer,article,price", *lines, *lines[:8]]
    draft = draft_of(tmp_path, sales__csv="\n".join(rows) + "\n")
    shop = shop_of(draft, tmp_path)
    assert shop.transactions is not None
    columns = shop.transactions.columns
    assert columns["line_no"].number_within == ("customer", "day")
    assert columns["order_id"].hash_of == ("customer", "day")
    # 8 of the 80 lines are there twice, so 72 of the 88 rows are alone
    assert "18.2% of the lines repeat the order and product" in draft.text(tmp_path / "acme.yml")


def test_a_category_is_no_title_and_lines_that_name_products_make_their_list(
    tmp_path: Path,
) -> None:
    shop = shop_of(draft_of(tmp_path, lines__csv=order_items()), tmp_path)
    assert shop.products is not None
    assert shop.products.origin == "transactions"
    assert mapped(shop, "products") == {
        "product_id": "product_id", "category": "product_category_name",
    }  # fmt: skip
    assert shop.transactions is not None
    assert shop.transactions.ignore == ()


def orders(total: str) -> str:
    """90 lines of 45 orders; `total` is worked out with q, p and the price of the order."""
    lines = ["order_id,customer,sku,qty,price,total,date"]
    for n in range(90):
        order, q, p = n // 2, n % 3 + 1, n % 7 + 1.5
        whole = sum((m % 3 + 1) * (m % 7 + 1.5) for m in (2 * order, 2 * order + 1))
        value = {"line": q * p, "order": whole, "unit": p}[total]
        lines.append(f"o{order},u{order % 20},p{n % 9},{q},{p},{value},2025-01-{order % 28 + 1:02}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("total", "reason"),
    [
        ("line", "100% of it are price times qty"),
        ("order", "it is the same for all lines of an order: the order's total"),
        ("unit", "it equals price whatever the qty"),
    ],
)
def test_a_total_of_the_line_is_price_times_quantity(
    tmp_path: Path, total: str, reason: str
) -> None:
    draft = draft_of(tmp_path, orders__csv=orders(total))
    columns = mapped(shop_of(draft, tmp_path), "transactions")
    assert columns.get("line_total") == ("total" if total == "line" else None)
    assert reason in draft.text(tmp_path / "acme.yml")


def test_a_key_or_a_few_whole_numbers_are_never_an_amount(tmp_path: Path) -> None:
    lines = ["order_id,customer,sku,channel_sales_id,retail_value,freight_value,date"]
    lines += [
        f"o{n},u{n % 20},p{n % 9},{n % 2 + 1},{n % 3},{n}.5,2025-01-{n % 28 + 1:02}"
        for n in range(90)
    ]
    shop = shop_of(draft_of(tmp_path, orders__csv="\n".join(lines) + "\n"), tmp_path)
    assert not {"quantity", "unit_price", "line_total"} & mapped(shop, "transactions").keys()


def test_events_of_segment_are_known_by_their_names(tmp_path: Path) -> None:
    names = ["Product Viewed", "Product Added", "Order Completed", "Product Removed"]
    records = [
        {
            "messageId": f"m{n}", "event": names[n % 4], "userId": f"u{n % 7}",
            "originalTimestamp": f"2025-01-0{n % 9 + 1}T09:59:59Z",
            "timestamp": f"2025-01-0{n % 9 + 1}T10:00:00Z", "properties": {"product_id": f"p{n % 6}"},
        }
        for n in range(60)
    ]  # fmt: skip
    text = "".join(json.dumps(record) + "\n" for record in records)
    shop = shop_of(draft_of(tmp_path, track__jsonl=text), tmp_path)
    assert mapped(shop, "events") == {
        "event_id": "messageId", "event_type": "event", "user_id": "userId",
        "product_id": "properties.product_id", "occurred_at": "timestamp",
    }  # fmt: skip
    assert shop.events is not None
    assert shop.events.columns["event_type"].values == {
        "Product Viewed": "view", "Product Added": "add_to_cart", "Order Completed": "purchase",
        "Product Removed": "remove_from_cart",
    }  # fmt: skip


def test_types_of_events_are_known_by_their_words_in_a_column_of_any_name(tmp_path: Path) -> None:
    names = ["view_item", "add_to_cart", "purchase", "add_to_wishlist"]
    rows = [f"{1735725600 + n},{names[n % 4]},u{n % 7},p{n % 6}" for n in range(60)]
    text = "\n".join(["ts,name,user,item", *rows]) + "\n"
    shop = shop_of(draft_of(tmp_path, clicks__csv=text), tmp_path)
    assert shop.events is not None
    assert shop.events.columns["event_type"].column == "name"
    values = {"view_item": "view", "add_to_wishlist": "favorite"}
    assert shop.events.columns["event_type"].values == values


@pytest.mark.parametrize(
    ("above", "skipped", "delimiter"),
    [
        ("sep=;\n", None, ";"),
        ("Ratings of the shop\nmade on 2025-02-01\n\n", 2, ","),
        (",,,\n,,,\n", None, None),
        (",,,\nRatings of the shop,,,\n", 2, None),
        ("", None, None),
    ],
    ids=["separator", "titles", "empty rows", "empty row and title", "nothing"],
)
def test_lines_above_a_table_are_skipped(
    tmp_path: Path, above: str, skipped: int | None, delimiter: str | None
) -> None:
    table = ratings(DAYS)
    if delimiter:
        table = table.replace(",", delimiter)
    draft = draft_of(tmp_path, ratings__csv=above + table)
    shop = shop_of(draft, tmp_path)
    assert shop.ratings is not None
    assert shop.ratings.skip_lines == skipped  # type: ignore[attr-defined]
    assert draft.guesses[0].table.records.num_rows == len(DAYS)
    settings = load_settings(shop=str(tmp_path / "acme.yml"), lake=tmp_path / "lake")
    draft.write(tmp_path / "acme.yml")
    assert check(settings) == []


def test_totals_below_a_table_are_left_out(tmp_path: Path) -> None:
    draft = draft_of(tmp_path, orders__csv=orders("line") + "Total,,,180,,990.5,\n")
    shop = shop_of(draft, tmp_path)
    assert shop.transactions is not None
    where = shop.transactions.where or {}
    assert {name: (f.texts, f.but) for name, f in where.items()} == {"order_id": (("Total",), True)}


def test_a_backslash_that_escapes_is_declared(tmp_path: Path) -> None:
    rows = [f'p{n},"a \\"thick\\" book, {n}",kind{n % 3}' for n in range(40)]
    text = "\n".join(["product_id,title,category", *rows]) + "\n"
    draft = draft_of(tmp_path, products__csv=text)
    assert '  escape: "\\\\"' in draft.text(tmp_path / "a.yml").splitlines()
    assert draft.guesses[0].table.columns["title"].most[0][0] == 'a "thick" book, 0'


def test_a_file_that_is_left_out_says_which_column_is_why(tmp_path: Path) -> None:
    rows = [f"u{n % 9},p{n % 7},{n % 5 + 1},yesterday" for n in range(60)]
    text = "\n".join(["user,title,stars,when", *rows]) + "\n"
    (_, left) = draft_of(tmp_path, reviews__csv=text).notes
    assert left == (
        "left out: reviews.csv: nearest to ratings, but no column looks like its product_id; "
        "when cannot be its rated_at: its values are not times, as yesterday"
    )


def test_ids_that_a_person_would_take_for_one_are_named() -> None:
    ids = ["Anna", "anna", "Ben", "Ben ", "Zoë", "Zoe\u0308", "Carl"]
    assert {found.differ_in: found.pairs for found in alike(ids)} == {
        "surrounding spaces": (("Ben", "Ben "),),
        "Unicode form": (("Zoe\u0308", "Zoë"),),
        "case": (("Anna", "anna"),),
    }
    assert list(alike(["NULL", "null", "a", "b"])) == []


def catalogue() -> list[dict[str, object]]:
    """Thirty products; product n has n % 4 reviews."""
    return [
        {
            "asin": f"B{n:04}",
            "title": f"Thing number {n}",
            "brand": f"brand{n % 3}",
            "reviews": [
                {
                    "stars": (n + k) % 5 + 1, "text": "fine", "date": f"2025-02-{k + 1:02}",
                    "reviewer": {"id": f"u{(3 * n + k) % 20}"},
                }
                for k in range(n % 4)
            ],
        }
        for n in range(30)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "format", "items"),
    [
        ("list.jsonl", "".join(json.dumps(one) + "\n" for one in catalogue()), "jsonl", None),
        ("list.json", json.dumps(catalogue(), indent=1), "json", None),
        ("list.json", json.dumps({"shop": {"all": catalogue()}, "page": 1}), "json", "shop.all"),
    ],
    ids=["lines", "document", "list in a document"],
)
def test_lists_inside_the_records_of_json_are_records_of_their_own(
    tmp_path: Path, name: str, text: str, format: str, items: str | None
) -> None:
    (tmp_path / name).write_text(text)
    draft = init(tmp_path)
    shop = shop_of(draft, tmp_path)
    assert not draft.notes
    assert (shop.products.format, shop.products.items) == (format, items)  # type: ignore[union-attr]
    assert mapped(shop, "products") == {
        "product_id": "asin", "title": "title", "brand": "brand",
    }  # fmt: skip
    assert shop.ratings is not None
    assert (shop.ratings.origin, getattr(shop.ratings, "each", None)) == ("products", "reviews")
    assert mapped(shop, "ratings") == {
        "user_id": "reviewer.id", "product_id": "^.asin", "rating": "stars", "rated_at": "date",
    }  # fmt: skip
    (reviews,) = [guess.table for guess in draft.guesses if guess.entity == "ratings"]
    assert reviews.records.num_rows == 7 * (1 + 2 + 3) + 1  # products 0 to 27, then 28 and 29


def test_lines_of_cancelled_orders_are_left_out_by_their_status(tmp_path: Path) -> None:
    lines = order_items().splitlines()
    lines[0] += ",order_status"
    lines[1:] = [
        f"{line},{'Cancelled' if n % 20 == 0 else 'shipped'}" for n, line in enumerate(lines[1:])
    ]
    draft = draft_of(tmp_path, lines__csv="\n".join(lines) + "\n")
    shop = shop_of(draft, tmp_path)
    assert shop.transactions is not None
    where = shop.transactions.where or {}
    assert {name: (f.texts, f.but) for name, f in where.items()} == {
        "order_status": (("Cancelled",), True)
    }
    (note,) = draft.notes
    assert "8 of the sampled records are left out: order_status is Cancelled" in note


def marketplace(folder: Path) -> None:
    """Orders and their lines in two files: 40 orders, order n has n % 3 + 1 lines."""
    orders = ["order_id,customer_id,order_status,order_purchase_timestamp"]
    items = ["order_id,order_item_id,product_id,price,freight_value"]
    for n in range(40):
        orders.append(f"o{n},c{n % 15},delivered,2025-03-{n % 28 + 1:02} 10:00:00")
        items += [f"o{n},{k + 1},p{(n + k) % 12},{n % 9 + 5}.90,4.5" for k in range(n % 3 + 1)]
    (folder / "orders.csv").write_text("\n".join(orders) + "\n")
    (folder / "order_items.csv").write_text("\n".join(items) + "\n")


def test_two_files_that_hold_order_lines_together_are_joined_by_their_key(tmp_path: Path) -> None:
    marketplace(tmp_path)
    (tmp_path / "products.csv").write_text(
        "product_id,category\n" + "".join(f"p{n},kind{n % 3}\n" for n in range(12))
    )
    (tmp_path / "names.csv").write_text("kind,name\nkind0,Garden\nkind1,Kitchen\nkind2,Bath\n")
    draft = init(tmp_path)
    assert draft.notes == ()
    text = draft.text(tmp_path / "acme.yml")
    lines = [line.strip() for line in text.splitlines() if not line.strip().startswith("#")]
    at = lines.index("files: order_items.csv")
    assert lines[at : at + 5] == [
        "files: order_items.csv", "join:", "files: orders.csv", "on: order_id",
        "columns: [customer_id, order_purchase_timestamp]",
    ]  # fmt: skip
    assert "on: {category: kind}" in lines
    assert "category: {first_of: [name, category]}" in lines
    shop = shop_of(draft, tmp_path)
    assert mapped(shop, "transactions") == {
        "order_id": "order_id", "line_no": "order_item_id", "user_id": "customer_id",
        "product_id": "product_id", "unit_price": "price",
        "ordered_at": "order_purchase_timestamp",
    }  # fmt: skip


def test_prices_with_a_sign_and_categories_in_lists_are_changed_on_the_way(tmp_path: Path) -> None:
    records = [
        {
            "asin": f"B{n}", "title": f"Card {n}", "price": f"${n},{n % 9}00.50",
            "categories": ["Gifts", ["Kitchen", "Garden"][n % 2]],
        }
        for n in range(1, 50)
    ]  # fmt: skip
    text = "".join(json.dumps(record) + "\n" for record in records)
    draft = draft_of(tmp_path, cards__jsonl=text, ratings__csv=ratings(DAYS))
    columns = shop_of(draft, tmp_path).sources()["products"].columns
    assert (columns["price"].column, columns["price"].number) == ("price", ".")
    assert columns["currency"].sign_of == "price"
    assert (columns["category"].column, columns["category"].element) == ("categories", "last")


def test_a_text_of_several_categories_is_split(tmp_path: Path) -> None:
    kinds = ["Action|Crime", "Drama", "Comedy|Romance", "Action|War"]
    rows = [f"{n},Film {n},{kinds[n % 4]}" for n in range(40)]
    text = "\n".join(["movieId,title,genres", *rows]) + "\n"
    draft = draft_of(tmp_path, movies__csv=text, ratings__csv=ratings(DAYS))
    category = shop_of(draft, tmp_path).sources()["products"].columns["category"]
    assert (category.column, category.split, category.element) == ("genres", "|", "first")


def test_events_of_ga4_are_read_from_their_items_in_microseconds(tmp_path: Path) -> None:
    names = ["page_view", "view_item", "add_to_cart", "purchase", "add_to_wishlist"]
    records = [
        {
            "event_name": names[n % 5], "event_timestamp": str(1735725600000000 + n * 1000001),
            "user_pseudo_id": f"{n % 9}.17", "user_id": None,
            "items": [{"item_id": f"sku{n % 7}", "item_name": f"N{n % 7}"}] if n % 5 else [],
        }
        for n in range(80)
    ]  # fmt: skip
    text = "".join(json.dumps(record) + "\n" for record in records)
    shop = shop_of(draft_of(tmp_path, export__jsonl=text), tmp_path)
    assert shop.events is not None
    assert getattr(shop.events, "each", None) == "items"
    assert shop.events.time_format == "epoch_microseconds"
    columns = mapped(shop, "events")
    assert (columns["product_id"], columns["user_id"]) == ("item_id", "^.user_pseudo_id")
    assert shop.events.columns["event_type"].values == {
        "view_item": "view", "add_to_wishlist": "favorite",
    }  # fmt: skip
    assert mapped(shop, "products") == {"product_id": "item_id", "title": "item_name"}


def test_what_only_the_first_line_of_an_order_has_is_filled_down(tmp_path: Path) -> None:
    lines = ["Name,Email,Financial Status,Created at,Lineitem quantity,Lineitem price,Lineitem sku"]
    for n in range(30):
        status = "refunded" if n % 10 == 0 else "paid"
        first = f"#{1000 + n},c{n % 9}@x.test,{status},2025-03-{n % 28 + 1:02} 10:00:00 +0100"
        lines += [f"{first},1,{n % 7}.50,SKU-{n % 11}"]
        lines += [
            f"#{1000 + n},c{n % 9}@x.test,,,2,4.90,SKU-{n % 11 + k}" for k in range(1, n % 3 + 1)
        ]
    draft = draft_of(tmp_path, orders_export__csv="\n".join(lines) + "\n")
    shop = shop_of(draft, tmp_path)
    assert shop.transactions is not None
    assert mapped(shop, "transactions") == {
        "order_id": "Name", "line_no": "Lineitem sku", "user_id": "Email",
        "product_id": "Lineitem sku", "quantity": "Lineitem quantity",
        "unit_price": "Lineitem price", "ordered_at": "Created at",
    }  # fmt: skip
    fill_down = shop.transactions.fill_down
    assert fill_down is not None
    assert set(fill_down.columns) == {"Created at", "Financial Status"}
    assert fill_down.within == ("Name",)
    assert list(shop.transactions.where or ()) == ["Financial Status"]
    assert not [note for note in draft.notes if note.startswith("unsure")]


@pytest.mark.parametrize(
    ("prefix", "key", "value"),
    [("C", "order_prefix", "C"), ("", "negative_quantity", True)],
    ids=["by the order's letter", "by the quantity"],
)
def test_lines_that_take_a_purchase_back_are_declared(
    tmp_path: Path, prefix: str, key: str, value: str | bool
) -> None:
    rows = [
        f"{prefix if n % 15 == 14 else ''}{5000 + n},s{n % 13},{-1 if n % 15 == 14 else n % 4 + 1},"
        f"{n % 28 + 1:02}/03/2024 10:{n % 60:02},2.5,c{n % 12}"
        for n in range(150)
    ]
    text = (
        "\n".join(["InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID", *rows]) + "\n"
    )
    shop = shop_of(draft_of(tmp_path, online_retail__csv=text), tmp_path)
    assert shop.transactions is not None
    declared = shop.transactions.cancellations  # type: ignore[attr-defined]
    assert declared.model_dump(exclude_defaults=True) == {key: value}
