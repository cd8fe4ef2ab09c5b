"""The commands of dev.py, and the installation of what they need.

Standard library only: dev.py uses this package before any package is installed.
"""
