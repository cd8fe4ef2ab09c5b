"""What the portal is: its rules, models and use cases, pure (no database, clock, network or settings)."""
