"""Makes a database of RPM, of its sqlite kind: `rpm-database.py FILE COUNT LENGTH`, with so many packages whose descriptions have LENGTH bytes.

As much of it as a list of packages takes: the indexes are there, and nothing is in them.
"""

import sqlite3
import struct
import sys

STRING, INT32, TRANSLATED = 6, 4, 9

indexes = """
Name Basenames Group Requirename Providename Conflictname Obsoletename Triggername Dirnames Installtid Sigmd5 Sha1header
Filetriggername Transfiletriggername Recommendname Suggestname Supplementname Enhancename
"""


def header(tags):
    index = data = b""
    for tag, kind, value in sorted(tags):
        if kind == INT32:
            data += b"\0" * (-len(data) % 4)
            at = len(data)
            data += struct.pack(">I", value)
        else:
            at = len(data)
            data += value + b"\0"
        index += struct.pack(">IIII", tag, kind, at, 1)
    count = len(tags) + 1
    region = struct.pack(">IIII", 63, 7, len(data), 16)
    end = struct.pack(">IIiI", 63, 7, -16 * count, 16)
    body = data + end
    return struct.pack(">II", count, len(body)) + region + index + body


def package(number, length):
    name = b"package-%05d" % number
    return header(
        [
            (1000, STRING, name),
            (1001, STRING, b"1.%d" % number),
            (1002, STRING, b"1.fc40"),
            (1004, TRANSLATED, b"A package"),
            (1005, TRANSLATED, b"x" * length),
            (1022, STRING, b"x86_64"),
        ]
    )


path, count, length = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with sqlite3.connect(path) as database:
    database.execute("CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)")
    for index in indexes.split():
        database.execute(
            f"CREATE TABLE '{index}' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL)"
        )
    packages = ((package(number, length),) for number in range(count))
    database.executemany("INSERT INTO Packages (blob) VALUES (?)", packages)
