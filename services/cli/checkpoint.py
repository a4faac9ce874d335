"""How far the import of a file came, and the rejected rows beside it; both survive kill -9."""

import base64
import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from services.cli.formats import BadRowError

HEAD_BYTES = 64 * 1024


@dataclass
class Checkpoint:
    """One import's progress. `line` is the last line of which everything is acknowledged or rejected."""

    path: Path
    line: int = 0
    written: int = 0
    duplicates: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    rejects_bytes: int = 0
    probe: bytes = b""
    """Names something that the log acknowledged, to see whether it is still the same log."""

    @classmethod
    def load(cls, folder: Path, source: Path, kind: str, gateway: str) -> Self:
        """The progress of an import of this very file into this gateway, or a new one."""
        stat = source.stat()
        with source.open("rb") as file:
            head = hashlib.sha256(file.read(HEAD_BYTES)).hexdigest()
        identity = f"{source.resolve()}\n{stat.st_size}\n{stat.st_mtime_ns}\n{head}\n{kind}\n{gateway}"
        path = folder / f"import-{hashlib.sha256(identity.encode()).hexdigest()[:24]}.json"
        try:
            kept = json.loads(path.read_text())
            kept["probe"] = base64.b64decode(kept["probe"])
            kept["reasons"] = Counter(kept["reasons"])
            return cls(**{**kept, "path": path})
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return cls(path)

    @property
    def rejected(self) -> int:
        """Rows that were not imported."""
        return self.reasons.total()

    def advance(
        self,
        line: int,
        written: int,
        duplicates: int,
        reasons: Mapping[str, int],
        rejects_bytes: int,
        probe: bytes,
    ) -> None:
        """A batch is settled."""
        self.line, self.rejects_bytes, self.probe = line, rejects_bytes, probe
        self.written += written
        self.duplicates += duplicates
        self.reasons.update(reasons)
        kept = {**vars(self), "path": str(self.path), "probe": base64.b64encode(probe).decode()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(f".{os.getpid()}.partial")
        partial.write_text(json.dumps(kept))
        os.replace(partial, self.path)

    def restart(self) -> None:
        """Begins from the first line."""
        self.line = self.written = self.duplicates = self.rejects_bytes = 0
        self.reasons, self.probe = Counter(), b""

    def finish(self) -> None:
        """The whole file is in: an import of it may begin anew."""
        self.path.unlink(missing_ok=True)


class Rejects:
    """FILE.rejects.jsonl: a line for each row that was not imported. It appears with the first."""

    def __init__(self, source: Path, *, keep: int = 0) -> None:
        """Keeps the first `keep` bytes of an earlier, unfinished run."""
        self.path = source.with_name(source.name + ".rejects.jsonl")
        if self.path.exists():
            os.truncate(self.path, min(keep, self.path.stat().st_size))
        self._lines: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        if kind is None and self.path.exists() and self.path.stat().st_size == 0:
            self.path.unlink()

    def write(self, line: int, error: BadRowError) -> None:
        """Keeps it until flush."""
        told = {"line": line, "reason": error.reason, "field": error.field, "message": str(error)}
        self._lines.append(json.dumps(told, ensure_ascii=True) + "\n")

    def flush(self) -> int:
        """Appends what was written; returns the file's size."""
        if self._lines:
            with self.path.open("a", encoding="utf-8") as file:
                file.writelines(self._lines)
            self._lines.clear()
        return self.path.stat().st_size if self.path.exists() else 0
