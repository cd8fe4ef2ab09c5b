"""Best practices: a problem, its solution, and the saving (rules 2)."""
