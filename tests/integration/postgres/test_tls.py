"""Whom the portal takes for its database: a server whose certificate and name are checked."""

import logging
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from adapters.postgres.connections import verified
from adapters.postgres.database import Database
from adapters.postgres.tls import AZURE_ROOTS
from bp_core.shared.errors import Unavailable
from local.postgres import throwaway_postgres
from ops import migrate, roles
from tests.tls import Authority, listening_with_tls

HOST = "portal.database.example"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"), "ours")


@pytest.fixture(scope="module")
def port(authority: Authority) -> Iterator[int]:
    """The port of a PostgreSQL that speaks TLS only, with a certificate for HOST by our authority."""
    with throwaway_postgres() as server, listening_with_tls(server.url(), authority.server(HOST)) as port:
        yield port


def url(port: int, host: str, **parameters: object) -> str:
    extra = "".join(f"&{name}={value}" for name, value in parameters.items())
    return f"postgresql://postgres@{host}:{port}/portal?hostaddr=127.0.0.1{extra}"


def connects(url: str) -> bool:
    with Database(url, pool_timeout=1.0) as database:
        return bool(database.autocommit().value("SELECT true"))


def test_a_server_with_the_right_certificate_and_name_is_accepted(port: int, authority: Authority) -> None:
    assert connects(url(port, HOST, sslmode="verify-full", sslrootcert=authority.roots))


def test_the_server_of_these_tests_answers_with_tls_only(port: int) -> None:
    with pytest.raises(Unavailable):
        connects(url(port, HOST, sslmode="disable"))


def test_a_server_of_another_authority_is_refused(
    port: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    another = Authority(tmp_path, "another")

    with caplog.at_level(logging.WARNING, "psycopg.pool"), pytest.raises(Unavailable):
        connects(url(port, HOST, sslmode="verify-full", sslrootcert=another.roots))
    assert "certificate verify failed" in caplog.text


def test_a_server_with_another_name_is_refused(
    port: int, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "psycopg.pool"), pytest.raises(Unavailable):
        connects(url(port, "other.example", sslmode="verify-full", sslrootcert=authority.roots))
    assert f'server certificate for "{HOST}" does not match host name "other.example"' in caplog.text


def test_without_a_named_authority_only_those_of_azure_are_trusted(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "psycopg.pool"), pytest.raises(Unavailable):
        connects(url(port, HOST, sslmode="verify-full"))
    assert "certificate verify failed" in caplog.text


def test_encryption_alone_would_accept_any_server(port: int) -> None:
    assert connects(url(port, "impostor.example", sslmode="require"))


def test_a_server_in_azure_is_never_called_without_checking_it() -> None:
    for mode in ("", "?sslmode=require", "?sslmode=verify-ca"):
        with pytest.raises(ValueError, match=r"^must contain sslmode=verify-full for a server in Azure$"):
            verified(f"postgresql://portal:pepper@Amber.postgres.database.azure.com/portal{mode}")


@pytest.mark.parametrize(
    ("command", "arguments"),
    [(migrate.main, []), (roles.main, ["--migrator", "migrator", "--app", "portal"])],
)
def test_migrations_and_roles_do_not_sign_in_at_an_unverified_server_in_azure(
    command: Callable[[], int],
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = "postgresql://a:pepper@amber.postgres.database.azure.com/portal?sslmode=require"
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setattr("sys.argv", ["dev.py", *arguments])

    assert command() == 1
    message = capsys.readouterr().err
    assert "must contain sslmode=verify-full for a server in Azure" in message
    assert "pepper" not in message


def test_the_roots_are_those_of_azure_and_publicly_trusted() -> None:
    roots = x509.load_pem_x509_certificates(AZURE_ROOTS.read_bytes())
    public = ssl.create_default_context(cafile=certifi.where()).get_ca_certs(binary_form=True)

    assert {root.fingerprint(hashes.SHA256()).hex() for root in roots} == {
        "cb3ccbb76031e5e0138f8dd39a23f9de47ffc35e43c1144cea27d46a5ab1cb5f",  # DigiCert Global Root G2
        "c741f70f4b2a8d88bf2e71c14122ef53ef10eba0cfa5e64cfa20f418853073e0",  # Microsoft RSA Root CA 2017
    }
    assert {root.public_bytes(serialization.Encoding.DER) for root in roots} <= set(public)
