"""The kinds of rules, one module each; `recomart/rules/kind.py` says what a module holds."""
