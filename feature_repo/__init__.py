"""Feast definitions built from the dbt manifest, and what publishes features."""
