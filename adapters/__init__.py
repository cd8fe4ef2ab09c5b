"""The outside world, behind the Protocols of bp_core: PostgreSQL, Blob Storage, tokens, passwords, clock."""
