"""The speed layer: stores events durably as they happen, and updates the real-time features."""
