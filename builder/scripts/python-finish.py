# Makes what pip installed fit for an image: programs that find their packages
# wherever the folder is, links to them, and compiled code that does not depend
# on times. Arguments: the folder in the image, the root of the image, and the
# names of programs.
import compileall
import importlib.metadata
import os
import py_compile
import sys

home, root, *links = sys.argv[1:]
target = root + home
PROGRAM = """#!/usr/bin/python3
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
from {module} import {name}

if __name__ == "__main__":
    sys.exit({attribute}())
"""


def write_programs():
    for dist in importlib.metadata.distributions(path=[target]):
        for entry in dist.entry_points:
            if entry.group not in ("console_scripts", "gui_scripts"):
                continue
            name = os.path.basename(entry.name)
            path = os.path.join(target, "bin", name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as f:
                f.write(PROGRAM.format(module=entry.module, name=entry.attr.split(".")[0], attribute=entry.attr))
            os.chmod(path, 0o755)


def link(name):
    path = os.path.join(target, "bin", name)
    if not os.path.exists(path):
        folder = os.path.join(target, "bin")
        have = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        sys.exit(f"there is no program {name}; there is {', '.join(have) or 'none'}")
    at = os.path.join(root, "usr/bin", name)
    os.makedirs(os.path.dirname(at), exist_ok=True)
    os.symlink(os.path.relpath(path, os.path.dirname(at)), at)


def forget_programs():
    # The lists of installed files have digests of pip's programs.
    for folder in os.listdir(target):
        record = os.path.join(target, folder, "RECORD")
        if folder.endswith(".dist-info") and os.path.exists(record):
            with open(record) as f:
                lines = [line for line in f if not line.startswith("../../bin/")]
            with open(record, "w") as f:
                f.writelines(lines)


write_programs()
forget_programs()
for name in links:
    link(name)
compileall.compile_dir(
    target, quiet=2, maxlevels=100, stripdir=root, prependdir="/",
    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
)
