"""Publishing tested features: snapshots, the difference to Redis, and the versions of each row."""
