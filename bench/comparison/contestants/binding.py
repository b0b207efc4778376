"""The same through libguestfs's binding for Python. Reads a task a line, answers with its seconds."""

import json
import sys
import time

import guestfs

g = guestfs.GuestFS(python_return_dict=True)


def launch(*drives):
    for drive in drives:
        g.add_drive_opts(drive, format="qcow2")
    g.launch()


def mount(device):
    g.mount(device, "/")


def ping(count):
    for _ in range(int(count)):
        g.ping_daemon()


def look(count):
    for _ in range(int(count)):
        g.get_memsize()


def download(device):
    g.download(device, "/dev/null")


def upload(source, target):
    g.upload(source, target)


def walk(folder):
    for name in g.find(folder):
        g.lstatns(f"{folder}/{name}")


def trace(count):
    """Events until `count` have been heard."""
    heard = 0

    def listener(*_):
        nonlocal heard
        heard += 1

    handle = g.set_event_callback(listener, guestfs.EVENT_TRACE)
    g.set_trace(True)
    while heard < int(count):
        g.get_memsize()
    g.set_trace(False)
    g.delete_event_callback(handle)


tasks = {task.__name__: task for task in (launch, mount, ping, look, download, upload, walk, trace)}

for line in sys.stdin:
    name, *arguments = line.split()
    start = time.monotonic()
    tasks[name](*arguments)
    print(json.dumps({"seconds": time.monotonic() - start}), flush=True)
