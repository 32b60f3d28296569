"""Loaders: files, HTTP catalogue and event segments into the landing zone and DuckDB."""
