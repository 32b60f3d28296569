"""Names of the demo shop's files: its generator writes them, the mock API and others read them."""

MANIFEST = "manifest.json"
"""What was generated; written last, so the files are complete when it is there."""

TRUTH = "dirt_truth.json"
"""Every planted piece of dirt and what must become of it."""

CATALOGUE = "catalogue.json"
"""The products, as the mock API hands them out."""
