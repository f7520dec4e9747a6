"""Places to push to, all on this machine: a folder, moto's stand-in for S3, and a real OpenSSH server."""

import getpass
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlparse

import boto3
import requests
from moto.server import ThreadedMotoServer
from support.pixels import in_folders

SSHD = shutil.which("sshd", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"]))
BUCKET = "bucket"
POLICIES = {"writer": ["s3:*"], "reader": ["s3:Get*", "s3:List*"]}
CLOSED = 1  # a port on which nothing listens


@dataclass(frozen=True)
class Remote:
    """A DVC remote: what of it Git may know, and what it may not."""

    url: str
    options: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def add_to(self, repo) -> None:
        """As README.md says, and whatever is needed besides."""
        repo.dvc("remote", "add", "-d", "storage", self.url)
        for option, value in self.options.items():
            repo.dvc("remote", "modify", "storage", option, value)
        repo.git("commit", "--quiet", "--message", "Remote storage", ".dvc/config")
        self.unlock_in(repo)

    def unlock_in(self, repo) -> None:
        for option, value in self.secrets.items():
            repo.dvc("remote", "modify", "--local", "storage", option, value)


def published(repo, remote: Remote) -> Path:
    """The bare Git repository to which this one was pushed, its data to `remote`."""
    hub = repo.path.parent / "hub.git"
    repo.git("init", "--quiet", "--bare", "--initial-branch=main", str(hub))
    repo.git("remote", "add", "origin", str(hub))
    remote.add_to(repo)
    repo.dvc("push", "--run-cache")
    repo.git("push", "--quiet", "origin", "main")
    return hub


def stored(remote: Remote) -> Iterator[tuple[str, bytes]]:
    """Every byte that lies in a remote, by name."""
    place = urlparse(remote.url)
    if place.scheme != "s3":
        yield from in_folders(Path(place.path))
        return
    s3 = client(remote)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=place.netloc, Prefix=place.path[1:])
    for each in (each for page in pages for each in page.get("Contents", [])):
        yield each["Key"], s3.get_object(Bucket=place.netloc, Key=each["Key"])["Body"].read()


def client(remote: Remote):
    """S3 as the user of this remote has it."""
    keys = {f"aws_{name}": value for name, value in remote.secrets.items()}
    return boto3.client("s3", endpoint_url=remote.options["endpointurl"], region_name="us-east-1", **keys)


@contextmanager
def s3() -> Iterator[dict[str, Remote]]:
    """A bucket, for one who may write in it, one who may only read, one whom it does not know, and while it is down."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    try:
        anyone = {"aws_access_key_id": "anyone", "aws_secret_access_key": "anything", "region_name": "us-east-1"}
        boto3.client("s3", endpoint_url=endpoint, **anyone).create_bucket(Bucket=BUCKET)
        iam = boto3.client("iam", endpoint_url=endpoint, **anyone)
        keys = {user: access_key(iam, user, actions) for user, actions in POLICIES.items()}
        # From here on, keys and policies count.
        requests.post(f"{endpoint}/moto-api/reset-auth", data="0").raise_for_status()
        keys["stranger"] = {"access_key_id": "stranger", "secret_access_key": "guessed"}
        remotes = {user: Remote(f"s3://{BUCKET}", {"endpointurl": endpoint}, key) for user, key in keys.items()}
        yield remotes | {"down": replace(remotes["writer"], options={"endpointurl": f"http://127.0.0.1:{CLOSED}"})}
    finally:
        server.stop()


def access_key(iam, user: str, actions: list[str]) -> dict[str, str]:
    iam.create_user(UserName=user)
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=user, PolicyName="own", PolicyDocument=policy)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}


@contextmanager
def ssh(folder: Path) -> Iterator[dict[str, Remote]]:
    """The same of a folder, behind one server that lets users write and one that does not; keys are throw-away."""
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd wants it, and only its init script makes it
    url = f"ssh://{getpass.getuser()}@127.0.0.1:{{}}{folder}"
    with sshd(folder, "internal-sftp") as writable, sshd(folder, "internal-sftp -R") as readable:
        doors = {
            "writer": (writable, "user"),
            "reader": (readable, "user"),
            "stranger": (writable, "host"),
            "down": (CLOSED, "user"),
        }
        yield {
            user: Remote(url.format(port), secrets={"keyfile": f"{folder}/{key}"})
            for user, (port, key) in doors.items()
        }


@contextmanager
def sshd(folder: Path, sftp: str) -> Iterator[int]:
    """The port of a server that runs as this user and knows the key `user`."""
    port = free_port()
    settings = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "user.pub",
        "AuthenticationMethods": "publickey",
        "StrictModes": "no",
        "PidFile": "none",
        "Subsystem": f"sftp {sftp}",
    }
    config = folder / f"{port}.config"
    config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    with subprocess.Popen([SSHD, "-D", "-f", config, "-E", config.with_suffix(".log")]) as server:
        try:
            wait_for(port)
            yield port
        finally:
            server.terminate()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, f"nothing listens on port {port}"
            time.sleep(0.05)
