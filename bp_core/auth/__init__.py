"""Accounts, invites, passwords and sessions (rules 9)."""
