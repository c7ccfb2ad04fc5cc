"""Print the completion script of a shell: commands, options, states, live ports and programs.

Examples:
    source <(ft completion bash)                                         this bash
    ft completion bash > /etc/bash_completion.d/ft                       every bash
    ft completion zsh > "${fpath[1]}/_ft"                                zsh, from the next start on
    ft completion fish > ~/.config/fish/completions/ft.fish              fish
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fivetuple.model import facts
from fivetuple.model.answer import Answer, Verbatim
from fivetuple.model.command import Option
from fivetuple.model.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fivetuple.model.command import Request
    from fivetuple.model.snapshot import Snapshot

ARGUMENTS = "bash|zsh|fish"
OPTIONS = (
    Option(
        ("--words",),
        "what the scripts ask: the words that may come next, the line typed so far behind --",
    ),
)
WANTS_CARDS = True

LONGEST_TEXT = 60  # of what stands beside a word
# A name with other characters would have to be quoted, differently in each shell: it is not offered.
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+@/:")

# bash cuts words at : and = as well, and replaces only what is behind the last of them.
BASH = """\
# bash completion of ft
_ft() {
    local line=${COMP_LINE:0:COMP_POINT} words=() word found cut
    read -ra words <<< "$line"
    case $line in *[[:space:]]) words+=("") ;; esac
    word=${words[${#words[@]} - 1]}
    cut=${word%"${word##*[:=]}"}
    COMPREPLY=()
    found=$("$1" completion --words -- "${words[@]:1}" 2> /dev/null) || return 0
    if [ "$found" = :files ]; then
        compopt -o default
        return 0
    fi
    while IFS=$'\\t' read -r word _; do
        if [ -n "$word" ]; then COMPREPLY+=("${word#"$cut"}"); fi
    done <<< "$found"
}
complete -F _ft ft
"""
ZSH = """\
#compdef ft
# zsh completion of ft
_ft() {
    local -a found offered
    local line
    found=("${(@f)$("${words[1]}" completion --words -- "${(@Q)words[2,CURRENT]}" 2> /dev/null)}")
    if [[ $found[1] == :files ]]; then
        _files
        return
    fi
    for line in $found; do
        offered+=("${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}")
    done
    (( $#offered )) && _describe -t words word offered
}
if [[ $funcstack[1] == _ft ]]; then _ft "$@"; else compdef _ft ft; fi
"""
FISH = """\
# fish completion of ft
function __ft_words
    set -l typed (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l command $typed[1]
    set --erase typed[1]
    set -l found ($command completion --words -- $typed "$current" 2> /dev/null)
    if test "$found[1]" = ":files"
        __fish_complete_path "$current"
        return
    end
    printf '%s\\n' $found
end
complete --command ft --no-files --arguments '(__ft_words)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def run(request: Request) -> Answer:
    """Print the script, or the words that may come next.

    Raises:
        BadInput: no shell or an unknown one is named.
    """
    if request.flag("words"):
        return _words(request)
    shell = request.words[0] if len(request.words) == 1 else ""
    script = SCRIPTS.get(shell)
    if script is None:
        raise BadInput("ft completion takes the name of a shell: bash, zsh or fish")
    return Answer([Verbatim(script.rstrip("\n"))], {"shell": shell, "script": script})


def _words(request: Request) -> Answer:
    """List what may come next, one word a line and what it is behind a tab; never fail loudly."""
    from fivetuple.analysis.completing import Line

    try:
        found = Line(request.words, request.get("cards"), _live(request.now_ns)).candidates()
    except Exception:  # noqa: BLE001  # an error message in the middle of a typed line helps nobody
        found = []
    lines = [
        f"{word}\t{text[:LONGEST_TEXT]}"
        for word, text in found
        if word.isprintable() and text.isprintable()
    ]
    return Answer(
        [Verbatim("\n".join(lines).replace(":files\t", ":files"))] if lines else [],
        {"words": [word for word, _ in found]},
    )


def _live(now_ns: int) -> Mapping[str, Callable[[], Iterable[tuple[str, str]]]]:
    """Return what only the running machine knows, each read when it is asked for."""

    def read(needs: int) -> Snapshot:
        from fivetuple.model.question import Hint, Question
        from fivetuple.origins.live import Live

        listening = 1 << 10 | 1 << 7  # LISTEN, and CLOSE of datagram sockets
        return Live(None, now_ns).snapshot(
            Question(facts.SOCKETS | needs, Hint(listening, frozenset(("tcp", "udp"))))
        )

    def ports() -> Iterable[tuple[str, str]]:
        from fivetuple.model.record import Projection
        from fivetuple.model.services import name_of

        numbers = {port for (port,) in Projection("local_port").read(read(0).rows) if port}
        return [(str(port), name_of(port) or "") for port in sorted(numbers)]

    def processes() -> Iterable[tuple[str, str]]:
        found = read(facts.OWNERS | facts.PROCESS_NAMES).processes.values()
        return [
            (each.name, "has sockets")
            for each in found
            if each.name and PLAIN.issuperset(each.name)
        ]

    def namespaces() -> Iterable[tuple[str, str]]:
        from fivetuple.kernel import netns

        found = [name for space in netns.find() for name in space.nsid_names or (space.name,)]
        return [(name, "network namespace") for name in found if PLAIN.issuperset(name)]

    return {"ports": ports, "processes": processes, "namespaces": namespaces}
