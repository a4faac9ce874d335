"""Compares the protos with the last tag, or else the commit before: `buf breaking` with the right base."""

import subprocess
import sys


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=False).stdout.strip()


def base() -> str:
    """The tag or commit to compare with, empty when there is none that holds protos."""
    tag = _git("describe", "--tags", "--abbrev=0")
    commit = _git("rev-parse", tag or "HEAD~1")
    return commit if _git("ls-tree", commit, "buf.yaml") else ""


if __name__ == "__main__":
    against = base()
    if not against:
        print("buf breaking: nothing to compare with yet")
        sys.exit(0)
    print(f"buf breaking --against {against}")
    sys.exit(subprocess.run(["buf", "breaking", "--against", f".git#ref={against}"], check=False).returncode)
