#!/usr/bin/env python3
"""Stands between a client and a server on pipes, and writes down every line.

usage: record_wire.py LOG COMMAND [ARGUMENT...]

LOG gets `> ` and what the client wrote, `< ` and what the server wrote, as in a transcript. Ends with the server, and
with its exit code.
"""
import os
import signal
import subprocess
import sys
import threading


def main():
    log = open(sys.argv[1], "ab", buffering=0)
    server = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())

    def copy(source, sink, mark):
        rest = b""
        while data := os.read(source, 1 << 16):
            rest += data
            *lines, rest = rest.split(b"\n")
            # Before it is passed on: nothing can be answered that is not written down.
            log.write(b"".join(mark + line + b"\n" for line in lines))
            try:
                os.write(sink, b"".join(line + b"\n" for line in lines))
            except BrokenPipeError:
                return
        if rest:
            log.write(mark + rest + b"\n")
            os.write(sink, rest)

    def feed():
        copy(0, server.stdin.fileno(), b"> ")
        server.stdin.close()

    threading.Thread(target=feed, daemon=True).start()
    copy(server.stdout.fileno(), 1, b"< ")
    sys.exit(server.wait())


main()
