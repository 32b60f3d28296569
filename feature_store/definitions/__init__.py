"""Feast's entities, views and services, built from dbt's manifest."""
