"""What commands print for a person: tables of recommendations, features, the stream's status."""
