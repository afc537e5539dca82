"""Errors of the Hugging Face Hub's client as one line each, with the way out."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from typing import Any

from ...errors import DataError
from ...messages import one_line
from ...spec.hub_address import HubAddress


@contextlib.contextmanager
def explained(address: HubAddress) -> Iterator[None]:
    """Turn errors of the client into a DataError; huggingface_hub must be installed.

    Raises:
        DataError: what went wrong, and the way out.
    """
    from huggingface_hub import errors

    # The root of its HTTP library's errors, whichever that is in this version.
    connection: type[Any] = errors.HfHubHTTPError.__bases__[0]
    own = (errors.RevisionResolutionError, errors.CachedRepoTreeNotFoundError)
    try:
        yield
    except errors.HFValidationError as error:
        raise DataError(f"{address} names no data set of the hub: {one_line(error)}") from None
    except (connection, OSError, *own) as error:
        raise DataError(f"{address}: {_why(address, error)}") from None


def _why(address: HubAddress, error: Exception) -> str:
    from huggingface_hub import constants, errors, get_token

    first = _first(error)
    endpoint, cache, repository = constants.ENDPOINT, constants.HF_HUB_CACHE, address.repository
    log_in = (
        "log in with another account (hf auth login), or set HF_TOKEN to another token"
        if get_token()
        else "log in with hf auth login, or set HF_TOKEN"
    )
    if isinstance(first, errors.GatedRepoError):
        return (
            f"it is gated: ask for access at {endpoint}/datasets/{repository} with your account, "
            f"and {log_in}"
        )
    if isinstance(first, errors.RevisionNotFoundError):
        return (
            f"{repository} has no revision {address.revision!r}: see "
            f"{endpoint}/datasets/{repository}/commits"
        )
    if isinstance(first, errors.RepositoryNotFoundError):
        return (
            f"the hub knows no data set {repository}, or it is private: check the name; for a "
            f"private one {log_in}"
        )
    elsewhere = (
        f"or download it elsewhere with hf download {repository} --repo-type dataset --local-dir "
        "FOLDER, and give FOLDER"
    )
    if isinstance(first, errors.OfflineModeIsEnabled):
        return (
            f"HF_HUB_OFFLINE is set, and it is not whole in the hub's cache {cache}: unset it, "
            f"{elsewhere}"
        )
    status = getattr(getattr(first, "response", None), "status_code", None)
    if status in (401, 403):
        return f"the hub refuses this account or token (HTTP {status}): {log_in}"
    if status is not None:
        later = "try again later" if status == 429 or status >= 500 else "look at its page there"
        return f"{endpoint} answers with HTTP {status}: {later}, {elsewhere}"
    number = getattr(first, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk of the hub's cache {cache} is full: make room, or set HF_HOME elsewhere"
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"cannot write to the hub's cache {cache} ({os.strerror(number)}): set HF_HOME to a "
            "folder of yours"
        )
    return (
        f"it is not whole in the hub's cache {cache}, and {endpoint} cannot be reached "
        f"({one_line(first)[:200]}): try again with a network, {elsewhere}"
    )


def _first(error: BaseException) -> BaseException:
    """What an error came from, as far as the client says."""
    while error.__cause__ is not None and not hasattr(error, "response"):
        error = error.__cause__
    return error
