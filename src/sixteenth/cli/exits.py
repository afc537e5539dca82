"""How a command ends: errors as one line, signals as a clean stop, and the exit code of each.

0    all is done
1    a run failed, or the machine did: disk, memory, a reader that went away
2    wrong usage, a wrong study file or wrong input; nothing was trained
70   an unexpected error, a bug: one line says where, --debug prints the traceback
130  Ctrl-C         143  SIGTERM
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
import shlex
import signal
import socket
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from types import FrameType

import typer

from ..errors import SixteenthError

_UsageError: type[Exception] = typer.BadParameter.__bases__[0]
"""Typer's own complaint about a command line, wherever this version of typer keeps it."""


UNEXPECTED_ERROR = 70
"""sysexits.h's EX_SOFTWARE."""

STOP_SECONDS = 4.0
"""How long a clean stop may take after a signal: five seconds are promised."""

_EXIT_CODES: dict[int, int] = {signal.SIGINT: 130, signal.SIGTERM: 143}

PLAIN = "sixteenth-plain"
"""Error handler of an encoding: `_plainly`."""
_ASCII_MARKS = {
    "\N{MINUS SIGN}": "-",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{MIDDLE DOT}": "|",
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{PLUS-MINUS SIGN}": "+-",
    "\N{RIGHTWARDS ARROW}": "->",
}

_stopped_by: ContextVar[int] = ContextVar("stopped_by", default=signal.SIGINT)
"""The last signal. An exception may not tell: Ray turns all of a wait into a KeyboardInterrupt."""

_words: ContextVar[Sequence[str]] = ContextVar("words", default=())
_rewording: ContextVar[Callable[[Sequence[str]], list[str]]] = ContextVar("rewording", default=list)


class Terminated(KeyboardInterrupt):
    """SIGTERM: the same clean stop as Ctrl-C, with another exit code."""


def run_command(app: typer.Typer, words: Sequence[str]) -> int:
    """Exit code of a command line, after running it."""
    _open_closed_streams()
    codecs.register_error(PLAIN, _plainly)
    for stream in (sys.stdout, sys.stderr):
        # What an encoding lacks is no traceback: on a terminal it is a question mark, and in a pipe
        # an escape, so that names stay apart.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace" if stream.isatty() else PLAIN)
    # At any position: people append it to a command that has just failed.
    debug = "--debug" in words
    _rewording.set(list)
    _stopped_by.set(signal.SIGINT)
    words = [word for word in words if word != "--debug"]
    _words.set(words)
    with _clean_stops(lambda: _print_stopped(words)), _warnings_as_messages():
        return _exit_code_of(app, list(words), debug)


def _plainly(error: UnicodeError) -> tuple[str | bytes, int]:
    """Marks as ASCII has them: of ``\\u22125.4`` nobody would read that it is -5.4."""
    if isinstance(error, UnicodeEncodeError) and (
        plain := _ASCII_MARKS.get(error.object[error.start])
    ):
        return plain, error.start + 1
    return codecs.backslashreplace_errors(error)


def _open_closed_streams() -> None:
    """Let what was closed at the start (``>&-``) take what is written, as /dev/null does.

    Else results would fail when all is computed, and messages would go to standard output.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # It stays open until the process ends, as Python's own do.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def set_resume_command(rewording: Callable[[Sequence[str]], list[str]]) -> None:
    """Let `rewording` turn this command line into the one that goes on after a stop."""
    _rewording.set(rewording)


def print_message(message: object, prefix: str = "sixteenth: ") -> None:
    """One line on standard error, whatever the message holds."""
    from ..language.text import plain

    print(f"{prefix}{plain(message)}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _warnings_as_messages() -> Iterator[None]:
    """Print Python's warnings as one-line notes; in a notebook they stay warnings."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: print_message(message, "note: ")
        yield


def _exit_code_of(app: typer.Typer, words: list[str], debug: bool) -> int:
    try:
        # Typer's own way of running an app would take Ctrl-C and errors for itself.
        command = typer.main.get_command(app)
        with command.make_context("sixteenth", list(words)) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as stop:
        return stop.exit_code
    except SixteenthError as error:
        print_message(error)
        return error.exit_code
    except _UsageError as error:
        print_message(_usage(error, words))
        return 2
    except KeyboardInterrupt:
        _print_stopped(words)
        return _EXIT_CODES[_stopped_by.get()]
    except BrokenPipeError:
        _discard_output()
        return 1
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        print_message(f"{error.strerror or error}{where}")
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        _print_resume(words, "make room, then " if full else "when that is fixed, ")
        _discard_output()
        return 1
    except MemoryError:
        print_message("out of memory: try a smaller image_size, train.batch_size or fraction")
        return 1
    except Exception as error:
        # A bug: still one line, and finished runs are kept.
        if debug:
            traceback.print_exc()
        print_message(_unexpected(error, debug))
        return UNEXPECTED_ERROR
    return 0


def _unexpected(error: Exception, debug: bool) -> str:
    """What happened and where, for a bug report."""
    *_, last = traceback.extract_tb(error.__traceback__)
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    more = "" if debug else "; the same command with --debug says more"
    return (
        f"this should not have happened, please report it: {said[:300]} "
        f"({Path(last.filename).name}, line {last.lineno}){more}"
    )


@contextlib.contextmanager
def _clean_stops(on_timeout: Callable[[], None]) -> Iterator[None]:
    """Stop cleanly at the first Ctrl-C or SIGTERM; the second one ends the process at once.

    A stop that takes too long ends the process after `on_timeout`, as a kill would: the files on
    disk are complete at every moment, and the next command resumes from the last checkpoint.
    """

    def stop(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        _stopped_by.set(number)
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {}
    with _end_after(STOP_SECONDS, on_timeout):
        for number in _EXIT_CODES:
            # What a parent told this process to ignore (nohup, a shell's background) stays so.
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, stop)
        try:
            yield
        finally:
            for known, handler in before.items():
                signal.signal(known, handler)


@contextlib.contextmanager
def _end_after(seconds: float, on_timeout: Callable[[], None]) -> Iterator[None]:
    """End the process when, so long after a signal, the block has not ended by itself.

    A handler written in Python has to wait for the operation that runs: the backward pass of a big
    model on big images is one of a minute. So the signal's number also goes, in C, to a socket that
    a thread listens to.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    over = threading.Event()

    def listen() -> None:
        with contextlib.suppress(OSError):
            while signal_number := reader.recv(1):
                code = _EXIT_CODES.get(signal_number[0])
                if code is not None and not over.wait(seconds):
                    on_timeout()
                    os._exit(code)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    kept = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        over.set()
        signal.set_wakeup_fd(kept)
        writer.close()  # which ends the thread
        thread.join()
        reader.close()


def _print_stopped(words: Sequence[str]) -> None:
    print_message("stopped")
    _print_resume(words)


def _discard_output() -> None:
    """Drop what could not be written: Python would try again at exit, and fail again."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_resume(words: Sequence[str], first: str = "") -> None:
    """Name the command that goes on after a stop, if this one trains: the same again."""
    trains = bool(words) and words[0] in ("run", "demo", "quick", "explain")
    if trains or (words[:1] == ["plan"] and "--check-epochs" in words):
        print_message(f"what is finished is kept; {first}go on with:", prefix="")
        print_message(_typed(_rewording.get()(words)), prefix="  ")


def this_command(*more: str) -> str:
    """The command line that runs, with more words at its end, as one would type it."""
    return _typed([*_words.get(), *more])


def _typed(words: Sequence[str]) -> str:
    as_module = Path(sys.argv[0]).name == "__main__.py"
    program = ["python", "-m", "sixteenth"] if as_module else ["sixteenth"]
    return shlex.join([*program, *words])


def _usage(error: Exception, words: Sequence[str]) -> str:
    """Typer's complaint in one line, and where to read more."""
    said = getattr(error, "format_message", error.__str__)()
    context = getattr(error, "ctx", None)
    # An option without its value comes without a context.
    path = context.command_path if context is not None else shlex.join(["sixteenth", *words[:1]])
    return f"{said} (see {path} --help)"
