"""Declared rules: what may be declared, the defaults, and the words that explain each."""
