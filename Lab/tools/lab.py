# SPDX-License-Identifier: GPL-3.0-or-later
"""What all parts of the lab share: its folders, its jobs, and the way it says that it cannot."""

import pathlib
import subprocess
import tomllib

HOME = pathlib.Path(__file__).resolve().parent.parent


class Refusal(Exception):
    """A sentence that says why there are no rows."""


def run(*command, **options):
    """Runs a command; its last words are in the refusal if it fails."""
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, **options)
    except FileNotFoundError:
        raise Refusal(f"{command[0]} is not installed; Lab/README.md lists the packages") from None
    if done.returncode:
        words = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        raise Refusal(f"{command[0]} failed: {words[-1] if words else done.returncode}")
    return done.stdout


def toml(path):
    try:
        return tomllib.loads(pathlib.Path(path).read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Refusal(f"{path} cannot be read: {error}") from None


def jobs(path, only=(), needed=("name", "question", "kernel", "cpu", "guests")):
    """The jobs of a file, each with the file's defaults and a question that it answers."""
    text = toml(path)
    found = [{"mode": "vhe", "memory": "3G", "options": "", **text.get("defaults", {}), **job}
             for job in text.get("job", [])]
    for job in found:
        lacking = [word for word in needed if word not in job]
        if lacking:
            raise Refusal(f"{path}: job {job.get('name', '?')} has no {' and no '.join(lacking)}")
    unknown = set(only) - {job["name"] for job in found}
    if unknown:
        raise Refusal(f"{path} has no job {', '.join(sorted(unknown))}")
    return [job for job in found if not only or job["name"] in only]
