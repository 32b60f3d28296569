"""The room that learns: labels and features in, a registered champion out.

`train.train` and `recommend.recommend` are its doors. It reads the published snapshot, Feast,
Redis and MLflow, never the warehouse, and imports no other room.
"""
