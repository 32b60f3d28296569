from __future__ import annotations

import math

import pytest

from feature_store.online.layout import (
    ViewLayout,
    decode_time,
    decode_value,
    encode_time,
    encode_value,
)

LAYOUT = ViewLayout(
    project="recomart_demo",
    view="ftr_user_categories",
    join_keys=("user_id", "category"),
    features=(("user_category_spend_90d", "Float64"),),
)


@pytest.mark.parametrize(
    ("value", "kind", "data"),
    [
        # worked from the encoding of protobuf: tag = field number << 3 | wire type
        (0, "Int64", "20 00"),
        (300, "Int64", "20 ac 02"),
        (-1, "Int64", "20 ff ff ff ff ff ff ff ff ff 01"),
        (1.0, "Float64", "29 00 00 00 00 00 00 f0 3f"),
        ("é", "String", "12 02 c3 a9"),
        ("", "String", "12 00"),
        (True, "Bool", "38 01"),
        (False, "Bool", "38 00"),
        (86_400, "UnixTimestamp", "40 80 a3 05"),
        (None, "Int64", ""),
        (math.nan, "Float64", ""),  # Feast writes NaN as it writes a null
        (None, "UnixTimestamp", "40 80 80 80 80 80 80 80 80 80 01"),  # -2**63, Feast's NaT
    ],
)
def test_values_are_protobuf_messages_and_come_back(value: object, kind: str, data: str) -> None:
    encoded = encode_value(value, kind)  # type: ignore[arg-type]

    assert encoded == bytes.fromhex(data)
    assert decode_value(encoded) == (None if value != value else value)


@pytest.mark.parametrize(
    ("micros", "data"),
    [(0, ""), (1_000_000, "08 01"), (1_500_000, "08 01 10 80 ca b5 ee 01")],
)
def test_times_are_protobuf_timestamps_and_come_back(micros: int, data: str) -> None:
    assert encode_time(micros) == bytes.fromhex(data)
    assert decode_time(bytes.fromhex(data)) == micros / 1e6


def test_a_type_that_is_not_ours_is_refused() -> None:
    with pytest.raises(ValueError, match="protobuf tag 0x35"):
        decode_value(b"\x35\x00\x00\x80\x3f")  # float_val, 1.0


def test_a_key_holds_sorted_names_then_values_then_the_project() -> None:
    key = LAYOUT.key(("u1", "toys"))

    assert key == (
        b"\x02\x00\x00\x00"
        b"\x02\x00\x00\x00\x08\x00\x00\x00category"
        b"\x02\x00\x00\x00\x07\x00\x00\x00user_id"
        b"\x02\x00\x00\x00\x04\x00\x00\x00toys"
        b"\x02\x00\x00\x00\x02\x00\x00\x00u1"
        b"recomart_demo"
    )
