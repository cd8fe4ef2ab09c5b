"""Who gets in: accounts, invites, passwords, sessions, and brakes on guessing (rules 9)."""
