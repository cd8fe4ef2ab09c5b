"""Blob Storage: the account, and the blobs in it."""
