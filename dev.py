#!/usr/bin/env python3
"""The daily commands of this project. They need nothing but Python 3.11 or newer.

usage: python3 dev.py COMMAND [ARGUMENTS]

  up       start the whole portal on this machine: database, blob storage, demo users
           [--port N=7071] [--data-dir DIR=.local] [--fresh] [--no-demo] [--func]
  tour     run the main scenario against the running portal [--base-url URL [--make-people]]
  test     run the tests [arguments of pytest]
           --unit       only tests/unit: fast, needs no services
           --faults     only tests/faults, in the full size: half an hour, on a machine that does nothing else
           --coverage   measure branch coverage of bp_core, adapters and functions;
                        if all tests run, fail under 90 per cent
  check    check format, lint, types, imports, lock, migrations, openapi, infra and vulnerabilities
           [names of checks]
  lock     write the requirements*.txt of all requirements*.in, with hashes [--upgrade]
  bench    run benchmarks [names of benchmarks]
  migrate  migrate the database [up | down | REVISION] [--app-role NAME] [--data-dir DIR=.local]
  backup   write database, files and keys of the local portal to FILE, also while it runs
           [--data-dir DIR=.local]
  restore  restore the local portal from FILE [--replace] [--data-dir DIR=.local]
  roles    create the database roles of the migrator and of the app
           --migrator NAME[=OBJECT_ID] --app NAME[=OBJECT_ID]

Each command first installs what is missing: locked packages into .venv, Azurite into the user's cache.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - so this file must not use newer syntax
    sys.exit("This project needs Python 3.11 or newer; this is Python " + sys.version.split()[0] + ".")

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # until there is something to stop, Ctrl-C ends it silently

from local.dev.commands import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], usage=__doc__))
