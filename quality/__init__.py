"""Data quality for people: the report, plots, quarantine, lineage."""
