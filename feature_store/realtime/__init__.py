"""Real-time features: the state that the speed layer keeps in Redis, and what is read from it.

The speed layer alone writes the state (`streaming/state.py`), in the layout of `layout.py`. It
records what happened, never a feature: windows are counted at the lookup, for its `as_of`.
"""
