#!/usr/bin/env python3
"""Types into an interactive shell on a terminal of its own, and prints what is on the command line afterwards.

shell.py bash|zsh SCRIPT TEXT: loads the completion script, types TEXT (\\t is the Tab key) and prints the edited line, then
everything that the shell has shown meanwhile.
"""
import fcntl, os, pty, re, select, struct, sys, termios

shell, script, text = sys.argv[1:4]
PROMPT = "@@"
# What is typed shows the mark in two parts, so that only its output holds it whole.
START = {
    "bash": [
        ["bash", "--norc", "--noprofile", "-i"],
        f"PS1='@''@'; source '{script}'; bind -x '\"\\C-o\": printf \"{{{{%s}}}}\" \"$READLINE_LINE\"'",
    ],
    "zsh": [
        ["zsh", "-f", "-i"],
        f"PS1='@''@'; autoload -U compinit && compinit -u -D; source '{script}'; "
        'shown() { print -rn -- "{{$BUFFER}}" }; zle -N shown; bindkey "^O" shown',
    ],
}
arguments, setup = START[shell]
process, terminal = pty.fork()
if process == 0:
    os.execvpe(arguments[0], arguments, {**os.environ, "TERM": "xterm", "PS1": "", "COLUMNS": "150"})
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 200, 150, 0, 0))


def wait_for(pattern):
    """Reads until what came since the last call matches."""
    seen = b""
    while not (found := re.search(pattern, seen.decode("utf-8", "replace"), re.S)):
        if not select.select([terminal], [], [], 60)[0]:
            sys.exit(f"{shell} never showed {pattern}: {seen!r}")
        seen += os.read(terminal, 65536)
    return found, seen.decode("utf-8", "replace")


os.write(terminal, setup.encode() + b"\n")
wait_for(PROMPT)
os.write(terminal, text.replace("\\t", "\t").encode() + b"\x0f")
found, shown = wait_for(r"\{\{(.*?)\}\}")
print(found[1])
print(re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|[=>])", "", shown))
os.kill(process, 9)
