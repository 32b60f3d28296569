"""Everything behind Feast's interfaces: definitions, offline joins, online lookups, publishing."""
