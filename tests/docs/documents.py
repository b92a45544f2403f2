# SPDX-License-Identifier: Apache-2.0
"""The documents, their commands, and what can be said of these without running anything."""

import functools
import pathlib
import re
import shlex
import sys
import typing

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.checks import check  # noqa: E402
from support.process import ROOT, run  # noqa: E402

LANGUAGES = {"sh", "console", "text", "json", "yaml", "python", "cpp", "cmake"}
NEEDS = ("fast", "slow", "broker", "unrun")
BLOCK = re.compile(r"^ *```(.*)\n((?:.*\n)*?) *```$", re.MULTILINE)
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


class Fence(typing.NamedTuple):
    document: str
    line: int
    language: str
    need: str
    # The reason of `unrun`, the name of a file, or `stays`.
    rest: str
    text: str

    def __str__(self):
        return f"{self.document}:{self.line}"

    def holds_commands(self):
        return self.language in ("sh", "console")

    def commands(self):
        """(command, the lines that it must print)."""
        found = []
        for line in re.sub(r"\\\n|(?<=\|)\n", " ", self.text).splitlines():
            prompt = line.startswith("$ ")
            if self.language == "console" and not prompt:
                check(found, f"{self}: a console block begins with a command behind '$ '")
                found[-1][1].append(line.rstrip())
            elif shlex.split(line, comments=True):
                found.append((line[2:] if prompt else line, []))
        return found


def documents():
    """All but CHANGELOG.md: what was true of an older version stays as it is."""
    folders = [each.name for each in ROOT.iterdir() if each.is_dir() and each.name not in ("build", "out")]
    found = [*ROOT.glob("*.md"), *(each for folder in folders for each in ROOT.glob(f"{folder}/**/*.md"))]
    return sorted(str(each.relative_to(ROOT)) for each in found if each.name != "CHANGELOG.md")


def fences(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        language, _, rest = block[1].partition(" ")
        need = next((each for each in NEEDS if re.match(rf"{each}\b", rest)), "fast")
        line = text[: block.start()].count("\n") + 1
        yield Fence(document, line, language, need, rest.removeprefix(need).lstrip(": "), block[2])


def simple_commands(command):
    """The words of each part of a pipeline or list, without assignments in front."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = []
    for word in [*lexer, ";"]:
        if not set(word) <= set("();<>|&"):
            words.append(word)
            continue
        while words and re.match(r"\w+=", words[0]):
            words.pop(0)
        if words:
            yield words
        words = []


@functools.lru_cache(None)
def help_of(*command):
    return run(*command, "--help", code=0).stdout


def check_options(where, program, words):
    """The subcommand is listed, and its help knows each option."""
    path = []
    for word in words[1:3]:
        if not re.fullmatch(r"[a-z][a-z-]*", word) or not re.search(rf"^ +{word} ", help_of(*program, *path), re.M):
            break
        path.append(word)
    unknown = not path and re.fullmatch(r"[a-z][a-z-]*", "".join(words[1:2]))
    check(not unknown, f"{where}: {words[0]} has no subcommand '{words[-1]}'")
    told = help_of(*program, *path)
    for option in re.findall(r"(?<!\S)\[?(--[a-z][a-z-]*)", " ".join(words)):
        known = re.search(rf"^ +(-\w, ?)?{option}(?![\w-])", told, re.M)
        check(known, f"{where}: {' '.join([words[0], *path])} has no option {option}")


def check_path(where, word):
    """What lies in a folder of the repository is there, for a source also without its ending."""
    word = word.split("#")[0].rstrip(".,:")
    top = word.split("/")[0]
    if "/" in word and re.fullmatch(r"[\w./*-]+", word) and top not in ("", ".", "..", ".git", "build") and (ROOT / top).is_dir():
        roots = (ROOT, (ROOT / where.document).parent)
        there = [each for root in roots for name in (word, word + ".*") for each in root.glob(name)]
        check(there, f"{where}: there is no {word}")


def check_words(where, command, program):
    """Of programs of others nothing is known: their mistakes are seen when a block runs."""
    ours = {"fairuse": (program,), "tools/kafka": (sys.executable, "-B", ROOT / "tools" / "kafka")}
    for words in simple_commands(command):
        if (name := words[0].removeprefix("build/release/")) in ours:
            check_options(where, ours[name], words)
        for target in words[1:] if words[0] == "make" else []:
            known = "=" in target or re.search(rf"^([\w-]+ )*{target}( [\w-]+)*:", MAKEFILE, re.M)
            check(known, f"{where}: make has no {target}")
        for word in words:
            check_path(where, word)


def check_document(document, program):
    """Fences say what they are; commands, `code` and links name what is there."""
    for fence in fences(document):
        check(fence.language in LANGUAGES, f"{fence}: a fence names its language: {', '.join(sorted(LANGUAGES))}")
        check(fence.need != "unrun" or fence.rest, f"{fence}: say why it is not run: unrun: REASON")
        for command, _ in fence.commands() if fence.holds_commands() else []:
            check_words(fence, command, program)
    prose = BLOCK.sub(lambda block: "\n" * block[0].count("\n"), (ROOT / document).read_text(encoding="utf-8"))
    for found in re.finditer(r"`([^`]+)`|\]\((?!https?:)([^)#\s]+)", prose):
        where = Fence(document, prose[: found.start()].count("\n") + 1, "text", "unrun", "", "")
        link = ROOT / document / ".." / (found[2] or ".")
        check(link.resolve().exists(), f"{where}: there is no {found[2]}")
        # What holds half of a quotation is no command.
        if found[1] and found[1].count("'") % 2 == 0 and found[1].count('"') % 2 == 0:
            check_words(where, found[1].replace("\n", " "), program)
