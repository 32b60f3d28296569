"""Exploratory plots of a shop's data, each with a sentence that is computed from the data."""

from quality.eda.gallery import draw

__all__ = ["draw"]
