"""What a person would call a process: the program, or the script that an interpreter runs.

The file that runs (`exe`) can't lie, so it names the process, with three exceptions:
  - an interpreter says nothing: its script, module or main class does;
  - one file that is many programs (busybox) goes by what it was called as;
  - what it was called as, where that is a shorter way to say the same file (`nc` for
    `nc.openbsd`) or the title that the process gave itself (`nginx: worker process`).

How to read INTERPRETERS: one line a family; its words are what stands before the script.
"""

from __future__ import annotations

from collections import namedtuple

from fivetuple.model.text import decode

NAME_MAX = 255  # include/uapi/linux/limits.h: no file name is longer

# values: options whose value is the next word; names: options whose value is the program;
# code: words after which the program stands on the command line, or there is none;
# attached: letters whose value, if any, follows at once (-Mstrict); commands: words before the
# script that are no script; letters: several may be written together (-Im), and their value may
# follow at once (-Wignore).
Interpreter = namedtuple("Interpreter", "values names code attached commands letters")


def _interpreter(
    values: str = "",
    *,
    names: str = "",
    code: str = "",
    attached: str = "",
    commands: str = "",
    letters: bool = True,
) -> Interpreter:
    """Make a line of the table."""
    return Interpreter(
        _set(values), _set(names), _set(code), _set(attached), _set(commands), letters
    )


def _set(words: str) -> frozenset[bytes]:
    return frozenset(words.encode().split())


_SHELL = _interpreter("-o -O +o +O --rcfile --init-file", code="-c -s --version --help")
_NODE = _interpreter(
    "-r --require --import --loader --experimental-loader -C --conditions --title"
    " --inspect-port --icu-data-dir --stack-trace-limit",
    names="-c --check --run",
    code="-e --eval -p --print -pe -i --interactive",
    letters=False,
)
_LUA = _interpreter("-l", code="-e -")
_MONO = _interpreter("--config", letters=False)
# Erlang names itself by its node; `-s` and `-run` say which module starts. See _erlang_node.
_ERLANG = _interpreter()
_LOADER = _interpreter("--library-path --preload --audit --argv0 --inhibit-rpath", letters=False)

INTERPRETERS = {
    b"python": _interpreter("-W -X -Q --check-hash-based-pycs", names="-m", code="-c -"),
    b"perl": _interpreter("-I", code="-e -E -", attached="-M -m -i -0 -l -x -C -D -F"),
    b"ruby": _interpreter(
        "-r -I -C -E --encoding --require", code="-e -", attached="-F -K -T -W -i -x -0"
    ),
    b"php": _interpreter("-c -d -t -z", names="-f --file", code="-r -B -R -S -a -i -m -v"),
    b"node": _NODE,
    b"bun": _interpreter(
        "-r --preload --cwd -c --config --port",
        code="-e --eval -p --print",
        letters=False,
        commands="run",
    ),
    b"deno": _interpreter(
        "-c --config --import-map --lock --cert --location --seed --host --port",
        code="eval repl test lsp",
        letters=False,
        commands="run serve task",
    ),
    b"java": _interpreter(
        "-cp -classpath --class-path -p --module-path --add-modules --add-opens --add-exports"
        " --add-reads --patch-module --limit-modules --upgrade-module-path --source",
        names="-jar -m --module",
        code="-version --version -help --help",
        letters=False,
    ),
    b"mono": _MONO,
    b"dotnet": _interpreter(
        "--depsfile --runtimeconfig --additionalprobingpath --fx-version --roll-forward",
        code="run watch build test",
        letters=False,
        commands="exec",
    ),
    b"beam.smp": _ERLANG,
    b"lua": _LUA,
    b"tclsh": _interpreter("-encoding", letters=False),
    b"julia": _interpreter("-J -p -t -C -O --project --threads --sysimage", code="-e -E --eval"),
    b"rscript": _interpreter(code="-e", letters=False),
    b"sh": _SHELL,
    # The dynamic loader and Rosetta, when they are called to run a program.
    b"ld-linux-x86-64.so": _LOADER,
    b"ld-linux-aarch64.so": _LOADER,
    b"ld-musl-x86_64.so": _LOADER,
    b"ld-musl-aarch64.so": _LOADER,
    b"rosetta": _LOADER,
}
ALIASES = {
    b"pypy": b"python",
    b"ipython": b"python",
    b"nodejs": b"node",
    b"jruby": b"ruby",
    b"luajit": b"lua",
    b"mono-sgen": b"mono",
    b"javaw": b"java",
    b"wish": b"tclsh",
} | dict.fromkeys((b"bash", b"dash", b"ash", b"zsh", b"ksh", b"mksh", b"fish"), b"sh")

# One file, many programs: only the name that it was called as tells which.
MULTI_CALL = _set(
    "busybox busybox.static toybox coreutils xtables-nft-multi xtables-legacy-multi"
    " redis-check-rdb redis-check-aof valkey-check-rdb valkey-check-aof"  # Debian's redis-server is a link to it
)

# A script so called says nothing without the directory that it is in.
VAGUE_SCRIPTS = frozenset((b"index.js", b"index.mjs", b"index.cjs", b"index.ts", b"index.php"))


def name_of(comm: bytes, exe: bytes, argv: tuple[bytes, ...]) -> str:
    """Return the name; each argument may be empty when it is not known.

    `comm` serves only when nothing else is known: threads rename it, and it ends at 15 bytes.
    """
    program = _program(exe)
    words = _words(argv, exe)
    called = _called(words)
    if called in MULTI_CALL and len(words) > 1:
        words = words[1:]
        called = _called(words)
    if not program or program in MULTI_CALL:
        program = called or program or comm
    interpreter = _interpreter_of(program)
    if interpreter is None:
        chosen = called if called and program.startswith(called) else program
    elif called and _interpreter_of(called) is None:
        chosen = called  # it gave itself a title
    else:
        find = _erlang_node if interpreter is _ERLANG else _script
        chosen = find(words, interpreter) or called or program
    return decode(chosen[:NAME_MAX]) or "?"


def _program(exe: bytes) -> bytes:
    """Return the name of the file that runs; empty where it tells nothing."""
    if exe.startswith(b"/memfd:"):  # memfd_create(2): no file
        return b""
    base = _base(exe.removesuffix(b" (deleted)"))
    # Some install each version of themselves as a file `1.2.3`.
    return base if base.strip(b"0123456789.-_") else b""


def _words(argv: tuple[bytes, ...], exe: bytes) -> tuple[bytes, ...]:
    """Return the command line, cut at blanks where a process wrote one title over all of it."""
    if not argv or b" " not in argv[0] or (exe and argv[0].startswith(exe)):
        return argv
    if any(argv[1:]) and b": " not in argv[0]:
        return argv  # a path with a blank in it
    return tuple(argv[0].split())


def _called(words: tuple[bytes, ...]) -> bytes:
    """Return what the process was called as, or calls itself: `nginx` of `nginx: worker`."""
    if not words:
        return b""
    first = words[0].lstrip(b"-[").rstrip(b":]")
    return _base(first.partition(b": ")[0])


def _base(path: bytes) -> bytes:
    """Return the last part of a path of Linux or, with a drive letter, of Windows."""
    if path[1:3] == b":\\":
        path = path.replace(b"\\", b"/")
    return path.rstrip(b"/").rpartition(b"/")[2]


def _interpreter_of(name: bytes) -> Interpreter | None:
    """Look the name up without its version: `python3.11`, `node-22`, `java.exe`."""
    stem = name.lower().removesuffix(b".exe").rstrip(b"0123456789.").rstrip(b"-")
    return INTERPRETERS.get(ALIASES.get(stem, stem))


def _script(words: tuple[bytes, ...], interpreter: Interpreter) -> bytes:
    """Return the script, module or main class; empty when the command line has none."""
    at = 1
    while at < len(words):
        word, following = words[at], b"".join(words[at + 1 : at + 2])
        at += 1
        if word in interpreter.commands or word[:1] == b"@":
            continue
        if word == b"--":
            return _script_name(following)
        option, value = _option(word, interpreter)
        if option in interpreter.code:
            break
        if option in interpreter.names:
            return _script_name(value or following)
        if option in interpreter.values and not value:
            at += 1
        elif word[:1] not in (b"-", b"+"):
            return _script_name(word)
    return b""


def _option(word: bytes, interpreter: Interpreter) -> tuple[bytes, bytes]:
    """Return the first option of the word that matters, and the value that follows it at once."""
    if not interpreter.letters or word[:1] not in (b"-", b"+") or word[:2] == b"--":
        return word, b""
    for at in range(1, len(word)):
        option = word[:1] + word[at : at + 1]
        if option in interpreter.attached:
            break
        if (
            option in interpreter.code
            or option in interpreter.names
            or option in interpreter.values
        ):
            return option, word[at + 1 :]
    return word, b""


def _erlang_node(words: tuple[bytes, ...], _: Interpreter) -> bytes:
    """Return `rabbit` of `-sname rabbit@host`, else the module that starts."""
    for option in (b"-sname", b"-name", b"-s", b"-run"):
        if option in words[:-1]:
            return words[words.index(option) + 1].partition(b"@")[0]
    return b""


def _script_name(path: bytes) -> bytes:
    """Return the script's name, with its directory where the name alone says nothing."""
    base = _base(path)
    directory = _base(path.rstrip(b"/")[: -len(base)]) if base else b""
    if directory == b"fd":
        return b""  # /dev/fd/3: a script that came through a pipe
    if base == b"__main__.py":
        return directory or base
    if base in VAGUE_SCRIPTS and directory not in (b"", b".", b".."):
        return directory + b"/" + base
    return base
