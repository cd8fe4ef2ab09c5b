"""Backup and restore of the local portal: its database, its blobs and its secrets, in one archive."""
