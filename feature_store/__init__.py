"""Everything behind Feast's interfaces: definitions, offline joins, online lookups, publishing."""

from feature_store._feast_import import skip_type_checks

skip_type_checks()
