"""Kinds of sources: local files, HTTP catalogues, and segments of the stream."""
