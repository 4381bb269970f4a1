"""The interface of accounts, sessions and tokens."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from zoo.serve.account_bodies import (
    AccountBody,
    CallerBody,
    DeletionRequest,
    LogInRequest,
    NewTokenBody,
    SignUpRequest,
    TokenBody,
    TokenRequest,
    TokensBody,
)
from zoo.serve.accounts.accounts import Accounts
from zoo.serve.accounts.door import COOKIE
from zoo.serve.accounts.people import caller_of
from zoo.serve.accounts.store import Account
from zoo.serve.refusals import Refusal
from zoo.serve.service import Service

#: Photos that the browser keeps are gone with whoever has seen them.
_FORGET = {"Clear-Site-Data": '"cache"'}


def _account(request: Request) -> Account:
    caller = caller_of(request)
    assert caller is not None
    assert caller.account is not None
    return caller.account


#: Who asks, on a server with accounts.
_Known = Annotated[Account, Depends(_account)]


def account_routes(service: Service) -> APIRouter:
    """The interface of a service's accounts; without accounts, that there are none."""
    router = APIRouter()

    @router.get("/account")
    def account(request: Request) -> CallerBody:
        """Whether the server has accounts, and whose request this is."""
        caller = caller_of(request)
        known = None if caller is None else caller.account
        body = None if known is None else AccountBody.of(known)
        return CallerBody(accounts=service.accounts is not None, account=body)

    if service.accounts is not None:
        _add_accounts(router, service, service.accounts)
        _add_sessions(router, service.accounts)
        _add_tokens(router, service.accounts)
    return router


def _add_accounts(router: APIRouter, service: Service, accounts: Accounts) -> None:
    @router.post("/account", status_code=201)
    def sign_up(asked: SignUpRequest, request: Request, response: Response) -> AccountBody:
        """Make an account and log in."""
        account = accounts.sign_up(**asked.model_dump(), address=_address(request))
        _open(accounts, account, request, response)
        return AccountBody.of(account)

    @router.delete("/account", status_code=204)
    def delete_account(
        account: _Known, asked: DeletionRequest, request: Request, response: Response
    ) -> None:
        """Delete an account with all of its photos, results, sessions and tokens."""
        accounts.check_password(account, asked.password, _address(request))
        service.delete_person(account.id)
        _forget(request, response)


def _add_sessions(router: APIRouter, accounts: Accounts) -> None:
    @router.post("/session")
    def log_in(asked: LogInRequest, request: Request, response: Response) -> AccountBody:
        """Begin a session, whose cookie the answer sets."""
        account = accounts.log_in(**asked.model_dump(), address=_address(request))
        _open(accounts, account, request, response)
        return AccountBody.of(account)

    @router.delete("/session", status_code=204)
    def log_out(request: Request, response: Response) -> None:
        """End the session of the cookie, if there is one."""
        accounts.close_session(request.cookies.get(COOKIE, ""))
        _forget(request, response)


def _add_tokens(router: APIRouter, accounts: Accounts) -> None:
    @router.get("/tokens")
    def tokens(account: _Known) -> TokensBody:
        """All tokens of the account, the newest first."""
        return TokensBody(tokens=[TokenBody.of(one) for one in accounts.tokens(account)])

    @router.post("/tokens", status_code=201)
    def make_token(account: _Known, asked: TokenRequest, request: Request) -> NewTokenBody:
        """Make a token; it is told in this answer alone."""
        caller = caller_of(request)
        if caller is not None and caller.by_token:  # one that has leaked must not outlive itself
            raise Refusal(403, "A token makes no other tokens; log in with the password for that.")
        made, secret = accounts.make_token(account, asked.name)
        return NewTokenBody(**TokenBody.of(made).model_dump(), token=secret)

    @router.delete("/tokens/{identifier}", status_code=204)
    def revoke_token(account: _Known, identifier: str) -> None:
        """Let a token in no more."""
        accounts.revoke_token(account, identifier)


def _address(request: Request) -> str:
    return "" if request.client is None else request.client.host


def _open(accounts: Accounts, account: Account, request: Request, response: Response) -> None:
    """Begin a session in place of the one that the browser has: nobody can have planted it."""
    accounts.close_session(request.cookies.get(COOKIE, ""))
    response.set_cookie(
        COOKIE,
        accounts.open_session(account),
        max_age=accounts.session_seconds,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def _forget(request: Request, response: Response) -> None:
    response.delete_cookie(
        COOKIE, secure=request.url.scheme == "https", httponly=True, samesite="lax"
    )
    response.headers.update(_FORGET)
