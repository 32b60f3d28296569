"""Publishing tested features: to Parquet, to Feast's registry, and what differs to Redis."""
