"""A Hugging Face Hub on this machine, as far as its client asks it for data sets.

Modelled on what huggingface_hub requests and reads: /api/datasets (repository and tree), the
resolve route with its headers, and the redirect of large files to a storage elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field

from loopback import Asked, Reply, Server


@dataclass
class Repository:
    """A data set: files by commit, commits by branch or tag.

    Attributes:
        token: needed to see it at all.
        gated: its files need a token that it does not know.
    """

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    token: str | None = None
    gated: bool = False

    def commit(self, files: dict[str, bytes], branch: str = "main") -> str:
        """Put a new commit on a branch; its hash."""
        number = hashlib.sha1(repr((len(self.commits), branch)).encode()).hexdigest()
        self.commits[number], self.refs[branch] = files, number
        return number


@dataclass
class FakeHub(Server):
    """Repositories by OWNER/NAME; `breaks` are those of the storage's files, by their names."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    breaks: dict[str, list[int]] = field(default_factory=dict)
    status: int = 0

    def add(self, name: str, files: dict[str, bytes], **known: object) -> Repository:
        made = self.repositories[name] = Repository(**known)  # type: ignore[arg-type]
        made.commit(files)
        return made

    def reply(self, asked: Asked) -> Reply:
        if self.status:
            return Reply(status=self.status)
        path = asked.path.replace("%2F", "/")
        if path.startswith("/storage/"):
            name, digest = path.removeprefix("/storage/").rsplit("/", 1)
            body = next(
                files[path]
                for repository in self.repositories.values()
                for files in repository.commits.values()
                for path in files
                if path == name and hashlib.sha256(files[path]).hexdigest() == digest
            )
            return Reply(body, breaks=self.breaks.get(name, []))
        found = re.fullmatch(r"(?:/api)?/datasets/([^/]+/[^/]+)(?:/(.*))?", path)
        if found is None:
            return _error(404, "EntryNotFound")
        repository = self.repositories.get(found[1])
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if repository is None or repository.token not in (None, token):
            return _error(404 if token else 401, "RepoNotFound")
        what, _, rest = (found[2] or "revision/main").partition("/")
        revision = next((ref for ref in repository.refs if f"{rest}/".startswith(f"{ref}/")), "")
        revision = revision or rest.partition("/")[0]
        commit = repository.refs.get(revision, revision)
        if commit not in repository.commits:
            return _error(404, "RevisionNotFound")
        files = repository.commits[commit]
        if what == "revision":
            listed = [{"rfilename": name} for name in files]
            return _json({"id": found[1], "sha": commit, "siblings": listed})
        if what == "tree":
            return _json([_listed(name, content) for name, content in files.items()])
        if repository.gated:
            return _error(403 if token else 401, "GatedRepo")
        name = rest.removeprefix(revision).lstrip("/")
        if name not in files:
            return _error(404, "EntryNotFound")
        return _resolved(name, files[name], commit, self.url)


def _listed(name: str, content: bytes) -> dict[str, object]:
    oid = hashlib.sha1(content).hexdigest()
    return {"type": "file", "path": name, "size": len(content), "oid": oid}


def _resolved(name: str, content: bytes, commit: str, url: str) -> Reply:
    """The reply for a file: itself if it is a text, else where the storage has it."""
    digest = hashlib.sha256(content).hexdigest()
    headers = {"X-Repo-Commit": commit, "ETag": f'"{digest}"'}
    if name.endswith(".md"):
        return Reply(content, headers=headers)
    return Reply(
        status=302,
        headers=headers
        | {
            "X-Linked-Size": str(len(content)),
            "X-Linked-ETag": f'"{digest}"',
            "Location": f"{url.replace('127.0.0.1', 'localhost')}/storage/{name}/{digest}",
        },
    )


def _json(content: object) -> Reply:
    return Reply(json.dumps(content).encode(), headers={"Content-Type": "application/json"})


def _error(status: int, code: str) -> Reply:
    return Reply(status=status, headers={"X-Error-Code": code, "X-Error-Message": code})
