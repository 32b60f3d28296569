"""The demo shop: source files of an invented shop whose users have tastes that can be learned."""

from demo_shop.generator import generate, generated
from demo_shop.source_data import is_demo_shop
from demo_shop.visitors import visitors

__all__ = ["generate", "generated", "is_demo_shop", "visitors"]
