"""The kernel: what more than one room of RecoMart needs. It imports no other room."""
