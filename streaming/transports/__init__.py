"""Where events come from: a pipe, a Redis Stream or Kafka, behind one protocol."""
