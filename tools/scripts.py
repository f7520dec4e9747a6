"""Bring the scripts of the documentation's pages into the environment that builds it, checked by their hashes.

So the pages fetch nothing: Mermaid draws their graphs, and the shim lets their search work from the disk.
"""

import hashlib
import io
import sys
import tarfile
import urllib.request
from pathlib import Path

FOLDER = Path(sys.prefix, "scripts")
SCRIPTS = {  # by name: the archive, its SHA-256, and the file in it
    "mermaid.min.js": (
        "https://registry.npmjs.org/mermaid/-/mermaid-11.12.2.tgz",
        "c4ab1840638b1735135090c667382e89cc353b46b56761514a3d0a8a80963832",
        "package/dist/mermaid.min.js",
    ),
    "iframe-worker.js": (
        "https://registry.npmjs.org/iframe-worker/-/iframe-worker-1.0.4.tgz",
        "e8c5d12d87829c503afba01d67772ea9f4aba5b7ae57a0c98e1917711030efbb",
        "package/shim/index.js",
    ),
}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, (url, sha256, member) in SCRIPTS.items():
        with urllib.request.urlopen(url, timeout=60) as answer:
            content = answer.read()
        if (found := hashlib.sha256(content).hexdigest()) != sha256:
            sys.exit(f"error: {url} has the SHA-256 {found}, not {sha256}; it was not taken")
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            (FOLDER / name).write_bytes(archive.extractfile(member).read())


if __name__ == "__main__":
    main()
