"""Run the command line in forks of one process that has imported Keras: 0.1 seconds per run instead of two seconds.

Reads requests, one JSON object per line: `arguments`, `folder`, `files` (paths of standard input, output and error)
and `file_limit`. Answers each with one JSON line: `status` (negative for a signal), `rss` in bytes, and `seconds`.
The process computes nothing before it forks, so that each child initializes JAX itself.
"""

import gc
import json
import os
import resource
import signal
import sys
import time
import warnings

import tomli_w  # noqa: F401 - imported for the children, like the next modules

import passerelle.cli.app
import passerelle.experiment.train  # noqa: F401
from passerelle.cli import describe, evaluate, main, train, translate  # noqa: F401

LIMIT_SECONDS = 60


def serve() -> None:
    gc.freeze()  # saves time: children would go through all objects of Keras when they exit
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    for line in requests:
        request = json.loads(line)
        started = time.monotonic()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # JAX warns that a fork loses its threads, but there are none yet
            child = os.fork()
        if not child:
            # Do not close `requests`: child and parent share the read position.
            become(request)
            main(request["arguments"])
        _, status, usage = os.wait4(child, 0)
        unit = 1 if sys.platform == "darwin" else 1024
        answer = {
            "status": os.waitstatus_to_exitcode(status),
            "rss": usage.ru_maxrss * unit,
            "seconds": time.monotonic() - started,
        }
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def become(request: dict) -> None:
    """Apply a request to this process: folder, standard streams, and limits of time and file size."""
    signal.alarm(LIMIT_SECONDS)
    os.chdir(request["folder"])
    flags = (os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number, (path, flag) in enumerate(zip(request["files"], flags, strict=True)):
        opened = os.open(path, flag)
        os.dup2(opened, number)
        os.close(opened)
    if request["file_limit"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_limit"], request["file_limit"]))


serve()
