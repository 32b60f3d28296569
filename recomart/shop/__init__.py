"""The shop file: its model, its sources, and the entities that they fill."""
