"""The tour: tells and performs the portal's main job against a running portal, as its users would.

`python3 dev.py tour` is the newcomer's first look and the end-to-end test at once: every answer is held
against the rules (docs/rules.md), and the first one that differs ends the tour with status 1.
"""
