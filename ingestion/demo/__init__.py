"""The demo shop: source files of an invented shop whose users have tastes that can be learned."""

from ingestion.demo.generator import generate, generated

__all__ = ["generate", "generated"]
