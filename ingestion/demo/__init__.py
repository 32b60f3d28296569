"""The demo shop: source files of an invented shop whose users have tastes that can be learned."""

from ingestion.demo.generator import generate, generated
from ingestion.demo.visitors import visitors

__all__ = ["generate", "generated", "visitors"]
