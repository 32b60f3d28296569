"""Feast's offline store on DuckDB: point-in-time joins by ASOF."""
