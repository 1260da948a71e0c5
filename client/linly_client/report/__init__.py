"""The service-level report: what was promised, what was kept."""
