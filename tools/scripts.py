"""Bring the scripts of the documentation's pages into the environment that builds it, by npm, checked by their hashes.

So the pages fetch nothing: Mermaid draws their graphs, and the shim lets their search work from the disk.
"""

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

FOLDER = Path(sys.prefix, "scripts")
SCRIPTS = {  # by name: the package, the SHA-256 of its archive, and the file in it
    "mermaid.min.js": (
        "mermaid@11.12.2",
        "c4ab1840638b1735135090c667382e89cc353b46b56761514a3d0a8a80963832",
        "package/dist/mermaid.min.js",
    ),
    "iframe-worker.js": (
        "iframe-worker@1.0.4",
        "e8c5d12d87829c503afba01d67772ea9f4aba5b7ae57a0c98e1917711030efbb",
        "package/shim/index.js",
    ),
}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, (package, sha256, member) in SCRIPTS.items():
        archive = packed(package)
        if (found := hashlib.sha256(archive).hexdigest()) != sha256:
            sys.exit(f"error: {package} has the SHA-256 {found}, not {sha256}; it was not taken")
        with tarfile.open(fileobj=io.BytesIO(archive)) as content:
            (FOLDER / name).write_bytes(content.extractfile(member).read())


def packed(package: str) -> bytes:
    """The archive of a package, from the registry that npm is set to."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", package, "--silent", "--ignore-scripts", "--pack-destination", folder]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"error: {' '.join(command[:3])}: {error}; make docs needs npm, and its registry")
        (file,) = Path(folder).iterdir()
        return file.read_bytes()


if __name__ == "__main__":
    main()
