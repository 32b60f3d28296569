"""The demo shop: source files of an invented shop whose users have tastes that can be learned."""

from demo_shop.generator import generate, generated
from demo_shop.visitors import visitors

__all__ = ["generate", "generated", "visitors"]
