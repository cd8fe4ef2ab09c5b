"""Tokens, passwords, OpenID Connect, encryption, and the identity of the portal in Azure."""
