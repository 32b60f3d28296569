"""What is measured against peers and limits, side by side, in one run."""
