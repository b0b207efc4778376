"""Runs a program on a terminal of its own, as a terminal emulator does.

    on-a-terminal.py COLUMNS ROWS PROGRAM [ARGUMENT...]

What the program writes to the terminal comes on stdout, byte for byte. Commands come on stdin, a line each:

    resize COLUMNS ROWS
    type HEX              what keys send: 03 for Ctrl-C

Ends with the program's exit code, or 128 and the number of the signal that ended it.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios


def resize(terminal, columns, rows):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))


def obey(terminal, line):
    command, *arguments = line.split()
    if command == "resize":
        resize(terminal, *arguments)
    elif command == "type":
        os.write(terminal, bytes.fromhex(arguments[0]))
    else:
        sys.exit(f"on-a-terminal.py: unknown command {line!r}")


def write_all(data):
    while data:
        data = data[os.write(1, data) :]


def serve(terminal):
    commands = b""
    while True:
        ready, _, _ = select.select([0, terminal], [], [])
        if terminal in ready:
            try:
                data = os.read(terminal, 65536)
            except OSError:  # EIO: nobody has the terminal open any more
                return
            write_all(data)
        if 0 in ready:
            data = os.read(0, 65536)
            if not data:  # Whoever has started us is gone: the terminal hangs up.
                return
            *lines, commands = (commands + data).split(b"\n")
            for line in lines:
                obey(terminal, line.decode())


def main():
    columns, rows, *program = sys.argv[1:]
    pid, terminal = pty.fork()
    if pid == 0:
        # Whatever started us, nohup perhaps, and Python itself may have had them ignored.
        for name in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
            signal.signal(name, signal.SIG_DFL)
        resize(0, columns, rows)
        os.execvp(program[0], program)
    serve(terminal)
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    sys.exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))


main()
