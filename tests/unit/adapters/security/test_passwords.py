import bcrypt
import pytest

from adapters.security.passwords import BcryptPasswords

ROUNDS = 4
"""The lowest possible cost, so that the tests are fast."""

PASSWORDS = BcryptPasswords(ROUNDS)


def test_a_password_matches_its_hash_and_no_other() -> None:
    hashed = PASSWORDS.hashed("mango tree")

    assert PASSWORDS.matches("mango tree", hashed, 0)
    assert not PASSWORDS.matches("Mango tree", hashed, 0)
    assert not PASSWORDS.matches("", hashed, 0)


def test_two_hashes_of_one_password_differ() -> None:
    assert PASSWORDS.hashed("mango tree") != PASSWORDS.hashed("mango tree")


@pytest.mark.parametrize("longest", ["x" * 72, "\u0906" * 24, "\U0001f96d" * 18])
def test_a_password_of_72_bytes_counts_to_its_last_byte(longest: str) -> None:
    hashed = PASSWORDS.hashed(longest)

    assert PASSWORDS.matches(longest, hashed, 0)
    assert not PASSWORDS.matches(longest[:-1], hashed, 0)


@pytest.mark.parametrize("too_long", ["x" * 73, "\u0906" * 25, "x" * 1000])
def test_a_longer_password_is_not_cut_to_one_that_matches(too_long: str) -> None:
    hashed = PASSWORDS.hashed(too_long.encode()[:72].decode())

    assert not PASSWORDS.matches(too_long, hashed, 0)


def test_a_longer_password_is_not_hashed() -> None:
    with pytest.raises(ValueError, match="72 bytes"):
        PASSWORDS.hashed("x" * 73)


@pytest.mark.parametrize("guess", ["mango tree", "nobody's password", "x" * 73])
def test_no_password_matches_where_there_is_no_hash(guess: str) -> None:
    assert not PASSWORDS.matches(guess, None, 0)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The work of each comparison from now on: it doubles with every round."""
    done: list[int] = []
    compare = bcrypt.checkpw

    def noted_compare(password: bytes, hashed_password: bytes) -> bool:
        done.append(2 ** int(hashed_password.split(b"$")[2]))
        return compare(password, hashed_password)

    monkeypatch.setattr(bcrypt, "checkpw", noted_compare)
    return done


HASHES = {rounds: BcryptPasswords(rounds).hashed("mango tree") for rounds in (4, 5, 6, 7)}


@pytest.mark.parametrize("stored", [None, 4, 5, 6, 7], ids=lambda rounds: f"stored {rounds}")
@pytest.mark.parametrize("guess", ["mango tree", "papaya", "x" * 73])
@pytest.mark.parametrize(("setting", "highest"), [(7, 4), (7, 7), (4, 7), (6, 7)])
def test_every_guess_costs_the_same_work_whatever_the_stored_cost_is(
    guess: str, stored: int | None, setting: int, highest: int, work: list[int]
) -> None:
    hashed = None if stored is None else HASHES[stored]

    matches = BcryptPasswords(setting).matches(guess, hashed, highest)

    assert matches is (stored is not None and guess == "mango tree")
    assert sum(work) == 2**7


@pytest.mark.parametrize("stored", [4, 6], ids=["lower", "higher"])
def test_a_hash_of_another_cost_is_replaced(stored: int) -> None:
    today = BcryptPasswords(5)

    again = today.rehashed("mango tree", HASHES[stored])

    assert again is not None
    assert again.split("$")[2] == "05"
    assert today.matches("mango tree", again, 0)


def test_a_hash_of_the_current_cost_stays() -> None:
    assert PASSWORDS.rehashed("mango tree", PASSWORDS.hashed("mango tree")) is None
