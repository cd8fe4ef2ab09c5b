import bcrypt
import pytest

from adapters.security.passwords import BcryptPasswords

ROUNDS = 4
"""The lowest possible cost, so that the tests are fast."""

PASSWORDS = BcryptPasswords(ROUNDS)


def test_a_password_matches_its_hash_and_no_other() -> None:
    hashed = PASSWORDS.hashed("mango tree")

    assert PASSWORDS.matches("mango tree", hashed)
    assert not PASSWORDS.matches("Mango tree", hashed)
    assert not PASSWORDS.matches("", hashed)


def test_two_hashes_of_one_password_differ() -> None:
    assert PASSWORDS.hashed("mango tree") != PASSWORDS.hashed("mango tree")


@pytest.mark.parametrize("longest", ["x" * 72, "\u0906" * 24, "\U0001f96d" * 18])
def test_a_password_of_72_bytes_counts_to_its_last_byte(longest: str) -> None:
    hashed = PASSWORDS.hashed(longest)

    assert PASSWORDS.matches(longest, hashed)
    assert not PASSWORDS.matches(longest[:-1], hashed)


@pytest.mark.parametrize("too_long", ["x" * 73, "\u0906" * 25, "x" * 1000])
def test_a_longer_password_is_not_cut_to_one_that_matches(too_long: str) -> None:
    hashed = PASSWORDS.hashed(too_long.encode()[:72].decode())

    assert not PASSWORDS.matches(too_long, hashed)


def test_a_longer_password_is_not_hashed() -> None:
    with pytest.raises(ValueError, match="72 bytes"):
        PASSWORDS.hashed("x" * 73)


@pytest.mark.parametrize("guess", ["mango tree", "nobody's password", "x" * 73])
def test_no_password_matches_where_there_is_no_hash(guess: str) -> None:
    assert not PASSWORDS.matches(guess, None)


@pytest.mark.parametrize("hashed", [None, PASSWORDS.hashed("mango tree")], ids=["no hash", "a hash"])
@pytest.mark.parametrize("guess", ["papaya", "x" * 73])
def test_every_guess_costs_the_same_work(
    guess: str, hashed: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = []
    compare = bcrypt.checkpw

    def noted_compare(password: bytes, hashed_password: bytes) -> bool:
        costs.append(int(hashed_password.split(b"$")[2]))
        return compare(password, hashed_password)

    monkeypatch.setattr(bcrypt, "checkpw", noted_compare)
    PASSWORDS.matches(guess, hashed)

    assert costs == [ROUNDS]


def test_a_hash_of_a_lower_cost_is_replaced() -> None:
    today = BcryptPasswords(ROUNDS + 1)

    again = today.rehashed("mango tree", PASSWORDS.hashed("mango tree"))

    assert again is not None
    assert again.split("$")[2] == f"{ROUNDS + 1:02d}"
    assert today.matches("mango tree", again)


def test_a_hash_of_the_current_cost_or_a_higher_one_stays() -> None:
    assert PASSWORDS.rehashed("mango tree", PASSWORDS.hashed("mango tree")) is None
    assert PASSWORDS.rehashed("mango tree", BcryptPasswords(ROUNDS + 1).hashed("mango tree")) is None
