"""The domain: rules, models and use cases, without I/O (no database, clock, network or settings)."""
