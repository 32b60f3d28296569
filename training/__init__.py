"""Training set, split, models, metrics, tracking, registry and recommendations."""
