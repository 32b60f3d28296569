"""Readers of a landed file: CSV, JSON lines and Parquet, each record with its place in the file."""
