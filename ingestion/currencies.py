"""Currencies: the signs that people write at a price, and the codes of ISO 4217."""

from __future__ import annotations

CODE_OF_SIGN = {
    "$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "A$": "AUD", "AU$": "AUD", "C$": "CAD",
    "CA$": "CAD", "NZ$": "NZD", "HK$": "HKD", "S$": "SGD", "NT$": "TWD", "MX$": "MXN", "R$": "BRL",
    "₹": "INR", "₽": "RUB", "₺": "TRY", "₴": "UAH", "₩": "KRW", "₫": "VND", "₪": "ILS", "₱": "PHP",
    "₦": "NGN", "฿": "THB", "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "лв": "BGN", "lei": "RON",
}  # fmt: skip
"""A sign -> the currency that it means where a shop file says nothing else."""

AMBIGUOUS = ("¥", "￥", "kr", "kr.", "Kr", "Kr.", "Fr.", "Rs", "Rs.")
"""Signs of several currencies: they are recognised, and mean none."""

CODES = (
    "AED", "ARS", "AUD", "BDT", "BGN", "BHD", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK",
    "EGP", "EUR", "GBP", "GEL", "HKD", "HUF", "IDR", "ILS", "INR", "ISK", "JOD", "JPY", "KES", "KRW",
    "KWD", "KZT", "LKR", "MAD", "MXN", "MYR", "NGN", "NOK", "NZD", "OMR", "PEN", "PHP", "PKR", "PLN",
    "QAR", "RON", "RSD", "RUB", "SAR", "SEK", "SGD", "THB", "TND", "TRY", "TWD", "UAH", "USD", "UYU",
    "VND", "ZAR",
)  # fmt: skip
