"""Transports of events: a pipe, a Redis Stream or Kafka, behind one protocol."""
