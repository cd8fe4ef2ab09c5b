"""Modules that change one thing of the portal in the process of a host: it pauses somewhere, or is broken."""
