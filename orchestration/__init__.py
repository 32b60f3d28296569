"""The graph of steps, the runner behind `make pipeline`, and the command line."""
