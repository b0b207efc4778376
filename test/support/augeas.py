"""Reads files of a guest by augeas: `augeas.py LENSES ROOT FILE…`; LENSES is the folder of the lenses.

Prints, as JSON, the lenses that are for these files, the errors, and the tree that they make of the files; null where
lenses cannot be loaded.
"""
import ctypes
import json
import sys

NO_STDINC, SAVE_NOOP, NO_LOAD = 1 << 3, 1 << 4, 1 << 5

augeas = ctypes.CDLL("libaugeas.so.0")
augeas.aug_init.restype = ctypes.c_void_p
augeas.aug_init.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint]
augeas.aug_match.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.POINTER(ctypes.c_char_p))]
augeas.aug_get.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p)]
augeas.aug_rm.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
augeas.aug_load.argtypes = [ctypes.c_void_p]

lenses, root, *files = sys.argv[1:]
handle = augeas.aug_init(root.encode(), lenses.encode(), NO_STDINC | SAVE_NOOP | NO_LOAD)
if not handle:
    print("null")
    sys.exit()


def get(path):
    value = ctypes.c_char_p()
    augeas.aug_get(handle, path.encode(), ctypes.byref(value))
    return None if value.value is None else value.value.decode()


def match(expression):
    paths = ctypes.POINTER(ctypes.c_char_p)()
    count = augeas.aug_match(handle, expression.encode(), ctypes.byref(paths))
    return {paths[i].decode(): get(paths[i].decode()) for i in range(count)}


# As inspection does it: lenses for other files are not to load any.
others = "".join(f'["{file}" !~ glob(incl)]' for file in files)
if augeas.aug_rm(handle, f"/augeas/load/*{others}".encode()) < 0:
    sys.exit("augeas does not take the expression")
augeas.aug_load(handle)
print(
    json.dumps(
        {
            "lenses": sorted(match("/augeas/load/*/lens").values()),
            "errors": match("/augeas//error"),
            "tree": match("/files//*"),
        }
    )
)
