"""A mesh as configuration of Envoy (v3 API, static)."""
