"""Data quality for people: the kinds of rules, the report, plots, quarantine, lineage."""
