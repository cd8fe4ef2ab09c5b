"""Faults under load: something is broken on purpose, and no acknowledged write may be lost or doubled.

A test has a site: two function hosts over a PostgreSQL and an Azurite of its own, all of which it may kill.
Clients write and read, a ledger keeps every answer, and afterwards the rows and blobs are compared with it.
There are two sizes: the bounded one runs with all tests, the full one with `dev.py test --faults`.
"""
