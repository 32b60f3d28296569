"""Feast's online store in Redis: layout, bulk writer, lookups (sync and async)."""
