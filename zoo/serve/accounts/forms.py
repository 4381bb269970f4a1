"""What the fields of an account's forms have to hold, and what is said beside those that do not."""

import re

from zoo.serve.refusals import WrongFields

#: The shortest and the longest password, in characters.
PASSWORD_LENGTHS = (10, 1000)
_LONGEST_NAME = 80
_LONGEST_EMAIL = 254
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


def check_sign_up(name: str, email: str, password: str, confirmation: str) -> None:
    """Check the form that makes an account.

    Raises:
        WrongFields: with a sentence for each field that does not fit.
    """
    differs = password and confirmation != password
    repeated = "The two passwords differ; type both again." if differs else None
    _require(
        name=_wrong_name(name, "Say how you want to be called."),
        email=_wrong_email(email),
        password=_wrong_password(password),
        confirmation=repeated if confirmation else "Repeat the password.",
    )


def check_log_in(email: str, password: str) -> None:
    """Check the form of somebody who has an account.

    Raises:
        WrongFields: as `check_sign_up`.
    """
    given = None if password else "Give your password."
    _require(email=_wrong_email(email), password=given)


def check_token_name(name: str) -> None:
    """Check what somebody calls a token.

    Raises:
        WrongFields: as `check_sign_up`.
    """
    _require(name=_wrong_name(name, "Give the token a name, such as the program that uses it."))


def tidy_email(email: str) -> str:
    """One form of an e-mail address, however it was typed.

    Examples:
        >>> tidy_email(" Anna@Example.org ")
        'anna@example.org'
    """
    return email.strip().casefold()


def _require(**sentences: str | None) -> None:
    wrong = {field: sentence for field, sentence in sentences.items() if sentence}
    if wrong:
        raise WrongFields(wrong)


def _wrong_name(name: str, missing: str) -> str | None:
    if not name.strip():
        return missing
    if len(name.strip()) > _LONGEST_NAME or not name.strip().isprintable():
        return f"A name has up to {_LONGEST_NAME} letters in one line; shorten it."
    return None


def _wrong_email(email: str) -> str | None:
    tidy = tidy_email(email)
    if not tidy:
        return "Give your e-mail address."
    if len(tidy) > _LONGEST_EMAIL or not tidy.isprintable() or not _EMAIL.fullmatch(tidy):
        return "That is no e-mail address; write it as in name@example.org."
    return None


def _wrong_password(password: str) -> str | None:
    shortest, longest = PASSWORD_LENGTHS
    if not password:
        return "Choose a password."
    if len(password) < shortest:
        return f"The password needs at least {shortest} characters; make it longer."
    if len(password) > longest:
        return f"The password may have up to {longest:,} characters; shorten it."
    return None
