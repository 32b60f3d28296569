"""The speed layer: events as they happen, kept durably and made into real-time features."""
