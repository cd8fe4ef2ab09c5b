"""Azurite, Microsoft's Azure Storage emulator, as a child process on the loopback address."""

import json
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from function_host.storage import DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY
from local.errors import SetupError
from local.node import find_node, install_azurite
from local.ports import is_free
from local.processes import ServiceProcess, stop_orphan

_LISTENING = re.compile(
    r"Azurite (Blob|Queue|Table) service is successfully listening at https?://127\.0\.0\.1:(\d+)"
)
_START_TIMEOUT_SECONDS = 60


class Certificate(NamedTuple):
    """The certificate and private key of a server, as PEM files."""

    certificate: Path
    key: Path


def storage_connection_string(
    *, blob_port: int, queue_port: int, table_port: int, account: str, key: str, scheme: str = "http"
) -> str:
    """The connection string of an emulator account on this machine."""
    ports = {"Blob": blob_port, "Queue": queue_port, "Table": table_port}
    endpoints = "".join(
        f"{service}Endpoint={scheme}://127.0.0.1:{port}/{account};" for service, port in ports.items()
    )
    return f"DefaultEndpointsProtocol={scheme};AccountName={account};AccountKey={key};{endpoints}"


class Azurite:
    """One Azurite with its data, log and last used ports in `directory`.

    It uses the ports of the last start, so that blob URLs stay valid, or free ports if these are in use.
    `accounts` (name to base64 key) replaces the published development account. With `in_memory` the data is
    lost at the stop. With `certificate` it serves HTTPS and also accepts Entra tokens, without checking their
    signature. An Azurite that a killed process left running in `directory` is stopped first.
    """

    def __init__(
        self,
        directory: Path,
        *,
        accounts: Mapping[str, str] | None = None,
        in_memory: bool = False,
        certificate: Certificate | None = None,
    ) -> None:
        self.directory = directory
        self.accounts = dict(accounts or {DEVELOPMENT_ACCOUNT: DEVELOPMENT_KEY})
        self._in_memory = in_memory
        self._certificate = certificate
        self._ports: dict[str, int] = {}
        self._process: ServiceProcess | None = None

    def start(self) -> None:
        """Start Azurite, install it if missing, and wait until it is ready. Raises SetupError."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start Azurite without waiting until it is ready."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.stop_orphan()
        self._process = ServiceProcess(
            self._command(),
            log=self.directory / "azurite.log",
            pid_file=self._pid_file,
            environment={**os.environ, "AZURITE_ACCOUNTS": self._account_list()},
        )
        self._process.start()

    def wait_until_ready(self) -> None:
        """Wait until all services listen. Raises SetupError with the end of Azurite's log if they do not."""
        if self._process is None:
            raise RuntimeError("Azurite was not launched")
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while len(self._ports) < len(("Blob", "Queue", "Table")):
            if self._process.exit_status() is not None or time.monotonic() > deadline:
                log = self._process.last_lines()
                self.stop()
                raise SetupError(f"Azurite, the local blob storage, did not start:\n{log}")
            time.sleep(0.05)
            self._ports = {name: int(port) for name, port in _LISTENING.findall(self._process.last_lines())}
        self._ports_file.write_text(json.dumps(self._ports), encoding="utf-8")

    def stop(self) -> None:
        """Stop Azurite. It saves its data first."""
        if self._process is not None:
            self._process.stop()
        self._process = None
        self._ports = {}

    def stop_orphan(self) -> None:
        """Stop the Azurite that a killed process left running in the directory, if any."""
        stop_orphan(self._pid_file)

    def is_at(self, connection_string: str) -> bool:
        """Whether a connection string is that of the last start."""
        last = Azurite(self.directory, accounts=self.accounts, certificate=self._certificate)
        last._ports = _stored_ports(self._ports_file)
        return len(last._ports) > 0 and last.connection_string == connection_string

    def use_ports_of(self, directory: Path) -> None:
        """Use at the first start the ports of another Azurite, if they are free then."""
        self.directory.mkdir(parents=True, exist_ok=True)
        ports = _stored_ports(directory / self._ports_file.name)
        self._ports_file.write_text(json.dumps(ports), encoding="utf-8")

    @property
    def connection_string(self) -> str:
        """The connection string of the first account, while Azurite runs."""
        return self.connection_string_of(next(iter(self.accounts)))

    def connection_string_of(self, account: str) -> str:
        """The connection string of `account`, while Azurite runs."""
        return storage_connection_string(
            blob_port=self._ports["Blob"],
            queue_port=self._ports["Queue"],
            table_port=self._ports["Table"],
            account=account,
            key=self.accounts[account],
            scheme="https" if self._certificate else "http",
        )

    @property
    def _pid_file(self) -> Path:
        return self.directory / "azurite.pid"

    @property
    def _ports_file(self) -> Path:
        return self.directory / "ports.json"

    def _account_list(self) -> str:
        return ";".join(f"{name}:{key}" for name, key in self.accounts.items())

    def _command(self) -> list[str]:
        script = install_azurite()
        storage = ["--inMemoryPersistence"] if self._in_memory else ["--location", str(self.directory)]
        ports = self._last_ports()
        # The Azure SDK uses a newer API version than Azurite declares; the calls work all the same.
        options = ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
        for service in ("Blob", "Queue", "Table"):
            name = service.lower()
            options += [f"--{name}Host", "127.0.0.1", f"--{name}Port", str(ports.get(service, 0))]
        if self._certificate:
            certificate, key = self._certificate
            options += ["--cert", str(certificate), "--key", str(key), "--oauth", "basic"]
        return [find_node().node, str(script), *storage, *options]

    def _last_ports(self) -> dict[str, int]:
        """Those ports of the last start that are free now."""
        return {service: port for service, port in _stored_ports(self._ports_file).items() if is_free(port)}


def _stored_ports(file: Path) -> dict[str, int]:
    """The port of each service that an Azurite stored; {} if no start was completed."""
    try:
        ports: dict[str, int] = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return ports
