"""Best practices: what was wrong, what was done, what it saves (rules 2)."""
