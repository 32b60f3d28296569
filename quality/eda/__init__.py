"""Exploratory plots: what a shop's data looks like, each picture with a sentence computed from it."""

from quality.eda.gallery import draw

__all__ = ["draw"]
