#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of the project as a test.

usage: style_test.py [--root DIR] [--compiler CXX]    check the tree, exit 1 on a violation
       style_test.py --self-test [--compiler CXX]     check that every rule catches what it is for

A rule is a function from a tree to violations. To add one, write it, put it into RULES and plant a violation in
PLANTED: the self-test refuses a rule without one.
"""

import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from typing import NamedTuple

from planted import CLEAN, PLANTED

# Which module may include which: the full list. A module may always include itself.
BASE = {"base/pure", "base/system"}
FACTS = {"base/pure", "events", "core"}
STREAMS = BASE | {"events", "core", "storage", "streams"}
KAFKA = {f"streams/kafka/{name}" for name in ("broker", "outputs", "worker", "capture", "admin")}
HISTORY = {"storage/history", "streams/history"}
BELOW_ENGINE = BASE | FACTS | {"config", "actors", "storage", "streams", "streams/local"} | KAFKA | HISTORY
MODULES = {
    "base/pure": set(),
    "base/system": {"base/pure"},
    "events": {"base/pure"},
    "core": {"base/pure", "events"},
    "config": BASE | FACTS,
    "actors": FACTS,
    "storage": BASE | FACTS,
    "storage/history": BASE | FACTS | {"storage"},
    "streams": STREAMS,
    "streams/local": STREAMS | {"actors"},
    "streams/kafka/broker": STREAMS,
    "streams/kafka/outputs": STREAMS | {"streams/kafka/broker"},
    "streams/kafka/worker": STREAMS | {"actors", "streams/kafka/broker", "streams/kafka/outputs"},
    "streams/kafka/capture": STREAMS | {"actors"} | KAFKA - {"streams/kafka/admin"},
    "streams/kafka/admin": STREAMS | {"actors"} | KAFKA,
    "streams/history": STREAMS | {"storage/history", "streams/local", "streams/kafka/capture"},
    "engine": BELOW_ENGINE,
    "sim": BASE | FACTS | {"config", "actors", "storage", "storage/history"},
    "api": BELOW_ENGINE | {"engine"},
    "cli": BELOW_ENGINE | {"engine", "sim", "api"},
    "bench": BELOW_ENGINE | {"engine", "sim", "api"},
    "tests": BELOW_ENGINE | {"engine", "sim", "api", "cli", "bench"},
}
# The library of a module is called fairuse::<module>, but for these.
LIBRARIES = {
    "base_pure": "base/pure",
    "base_system": "base/system",
    "local": "streams/local",
    "kafka_broker": "streams/kafka/broker",
    "kafka_outputs": "streams/kafka/outputs",
    "kafka_worker": "streams/kafka/worker",
    "kafka_capture": "streams/kafka/capture",
    "kafka_capture_file": "streams/kafka/capture",
    "kafka_admin": "streams/kafka/admin",
    "history": "storage/history",
    "history_text": "streams/history",
    "pack_history": "streams/history",
}
FOLDERS = {module.split("/")[0] for module in MODULES}

# Headers of packaged libraries that a pure module may reach, however indirectly.
PURE = {
    "base/pure": re.compile(r"/tl/expected\.hpp$"),
    "core": re.compile(r"/(tl/expected\.hpp$|tsl/|xxhash\.h$)"),
    "events": re.compile(r"/(tl/expected\.hpp$|tsl/|xxhash\.h$|xxh3\.h$|simdjson|nlohmann/|fmt/|google/protobuf/)"),
}
IMPURE_STANDARD_HEADERS = set(
    "iostream fstream ostream istream syncstream cstdio stdio.h filesystem random ctime time.h sys/time.h thread mutex "
    "shared_mutex condition_variable future semaphore unistd.h fcntl.h signal.h csignal".split()
)
IMPURE_WORDS = re.compile(
    r"\b(system_clock|steady_clock|high_resolution_clock|utc_clock|gettimeofday|clock_gettime|random_device|mt19937\w*"
    r"|srand\s*\(|rand\s*\(|sleep_for|sleep_until|getenv|fopen|f?printf\s*\(|std::cout|std::cerr|std::clog|std::cin"
    r"|std::time\s*\(|time\s*\(\s*(nullptr|NULL|0)\s*\))"
)
ACTOR_CLOCK = re.compile(r"(\bdelayed_(?:anon_)?send\b|(?:\.|->)\s*clock\s*\(|\brequest\s*\()")
PRINTING = re.compile(r"\b(std::(cout|cerr)\b|fmt::print\s*\(|(std::)?(f|v|vf)?printf\s*\(|(std::)?f?puts\s*\(|\bstd(out|err)\b)")
LEFTOVER = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")
MACHINE_PATH = re.compile(r"(?<![\w./:-])/(home|root|Users|media|mnt|builds|work(?:space)?s?)/\w")

SKIPPED_FOLDERS = {".git", ".cache", ".vscode", ".idea", "build", "out", "node_modules", "__pycache__", "dist"}
CPP = {".cpp", ".hpp"}
SOURCES = CPP | {".py", ".sh", ".proto", ".cmake", ".go", ".js", ".mjs", ".ts", ".tsx"}
PROSE = {".md", ".txt", ".yaml", ".yml", ".json", ".in", ".html", ".css", ""}
SKIPPED_FILES = {"LICENSE", "package-lock.json", ".git"}  # .git: the file of a second work tree
FILE_BYTES_MAX = 1 << 20  # Anything larger is data, not prose or source.
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 600
README_LINES_MAX = 20
SOURCES_IN_FOLDER_MAX = 30


class Violation(NamedTuple):
    path: str
    line: int
    message: str


class Source:
    """One text file, with the views that rules need."""

    TOKEN = re.compile(
        r'(?P<raw>R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)")'
        r'|(?P<text>"(?:\\.|[^"\\\n])*")'
        r"|(?P<char>(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+')"
        r"|(?P<comment>//[^\n]*|/\*.*?\*/)",
        re.DOTALL,
    )

    def __init__(self, root, path):
        self.path = path.relative_to(root).as_posix()
        self.suffix = path.suffix
        self.text = path.read_text(encoding="utf-8", errors="replace")
        self.module = module_of(self.path)
        self._code = None

    @property
    def is_script(self):
        return self.suffix in SOURCES or path_name(self.path) in {"CMakeLists.txt", "Makefile"} or self.text[:2] == "#!"

    @property
    def code(self):
        """The text with comments and literals blanked; lines stay where they are."""
        if self._code is None:
            self._code = self.TOKEN.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), self.text)
        return self._code

    def includes(self):
        """(line, header, quoted) of every include directive."""
        visible = self.TOKEN.sub(lambda m: re.sub(r"[^\n]", " ", m.group()) if m["comment"] else m.group(), self.text)
        for found in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', visible, re.MULTILINE):
            yield line_of(visible, found.start(1)), found[2], found[1] == '"'

    def search(self, pattern, text=None):
        """(line, match) of every hit of `pattern` in the code, or in `text`."""
        text = self.code if text is None else text
        for found in pattern.finditer(text):
            yield line_of(text, found.start()), found


class Tree:
    def __init__(self, root, compiler):
        self.root = root
        self.compiler = compiler
        self.sources = []
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
            for name in sorted(names):
                path = pathlib.Path(folder) / name
                if path.suffix not in SOURCES | PROSE or name in SKIPPED_FILES or path.is_symlink():
                    continue
                if path.is_file() and path.stat().st_size <= FILE_BYTES_MAX:
                    self.sources.append(Source(root, path))

    def cpp(self, *modules):
        return [s for s in self.sources if s.suffix in CPP and (not modules or s.module in modules)]


def module_of(path):
    """The module whose folder the file stands in, or None. `base/readme` and the like belong to none."""
    folder = path.rpartition("/")[0]
    while folder and folder not in MODULES:
        folder = folder.rpartition("/")[0]
    return folder or None


def path_name(path):
    return path.rsplit("/", 1)[-1]


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


# --- rules ------------------------------------------------------------------------------------------------------------


def includes_follow_the_modules(tree):
    """Dependencies point one way; nothing points at sim."""
    for source in tree.cpp():
        if source.module is None:
            continue
        allowed = MODULES[source.module] | {source.module}
        for line, header, quoted in source.includes():
            ours = "/" in header and header.split("/")[0] in FOLDERS
            if ours and module_of(header) not in allowed:
                yield Violation(source.path, line, f"{source.module} may not include {header}")
            elif quoted and not ours:
                yield Violation(source.path, line, f'"{header}": our headers are named from the root, others stand in <>')


def links_follow_the_modules(tree):
    """A module's CMakeLists.txt links only what the module may include."""
    for source in tree.sources:
        if path_name(source.path) != "CMakeLists.txt" or source.module is None:
            continue
        allowed = MODULES[source.module] | {source.module}
        visible = re.sub(r"#[^\n]*", "", source.text)
        for line, found in source.search(re.compile(r"\bfairuse(?:::|_)(\w+?)(?:_proto)?\b"), visible):
            linked = LIBRARIES.get(found[1], found[1])
            if linked in MODULES and linked not in allowed:
                yield Violation(source.path, line, f"{source.module} may not link {found[0]}")


def preprocess(tree, paths):
    """Every header that the given files reach, or the compiler's complaint."""
    with tempfile.NamedTemporaryFile("w", suffix=".cpp") as unit:
        unit.writelines(f'#include "{path}"\n' for path in paths)
        unit.flush()
        command = [tree.compiler, "-M", "-std=c++20", "-I", str(tree.root), unit.name]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return None, done.stderr.strip().split("\n")[0]
    return {os.path.normpath(name) for name in done.stdout.replace("\\\n", " ").split()[2:]}, None


def pure_modules_reach_no_library(tree):
    """The real preprocessor says which libraries core and events reach."""
    standard = None
    for module, permitted in PURE.items():
        paths = [source.path for source in tree.cpp(module)]
        if not paths:
            continue
        if standard is None:
            with tempfile.NamedTemporaryFile("w", suffix=".hpp") as everything:
                everything.write("#include <bits/stdc++.h>\n#include <version>\n")
                everything.flush()
                standard, _ = preprocess(tree, [everything.name])

        def foreign(headers):
            for header in sorted(headers - standard):
                inside = pathlib.Path(header).is_relative_to(tree.root)
                if not inside and not re.search(r"/c\+\+/\d|/lib/gcc/|/lib/clang/|\.cpp$", header):
                    if not permitted.search(header):
                        yield header

        headers, _ = preprocess(tree, paths)
        if headers is not None and not any(foreign(headers)):
            continue
        for path in paths:  # Something is wrong: now file by file, to say where.
            headers, complaint = preprocess(tree, [path])
            for header in [] if headers is None else list(foreign(headers))[:1]:
                yield Violation(path, 1, f"{module} reaches {header}")
            if complaint:
                yield Violation(path, 1, f"does not preprocess: {complaint}")


def pure_modules_include_no_impure_header(tree):
    """No header of the standard library that reads a clock, a file, chance or another thread."""
    by_path = {source.path: source for source in tree.sources}
    pending = [source.path for source in tree.cpp(*PURE)]
    seen = set(pending)
    while pending:
        source = by_path[pending.pop()]
        for line, header, quoted in source.includes():
            if header in IMPURE_STANDARD_HEADERS:
                yield Violation(source.path, line, f"<{header}> does not belong in (or below) core and events")
            if header in by_path and header not in seen:
                seen.add(header)
                pending.append(header)


def pure_modules_name_no_clock_or_chance(tree):
    """No clock, no chance, no environment, no console in core and events."""
    for source in tree.cpp(*PURE):
        for line, found in source.search(IMPURE_WORDS):
            yield Violation(source.path, line, f"`{found[0].strip()}` in a pure module")


def actors_read_no_clock(tree):
    """Time comes with the epoch: no delayed message, no request time-out, no actor clock."""
    for source in tree.cpp("actors"):
        for line, found in source.search(ACTOR_CLOCK):
            yield Violation(source.path, line, f"`{found[0].strip()}` in actors; time comes with the epoch")


def one_place_writes_to_people(tree):
    """A lost result is noticed in cli/output, and nowhere else does anything write to stdout or stderr."""
    for source in tree.cpp():
        if source.module in {None, "bench", "tests"} or source.path.startswith("cli/output."):
            continue
        for line, found in source.search(PRINTING):
            yield Violation(source.path, line, f"`{found[0].strip()}`: cli/output writes to stdout and stderr")


def results_have_an_order(tree):
    """No hash map of the standard library where its order could show."""
    for source in tree.cpp("core", "sim"):
        for line, _ in source.search(re.compile(r"\bstd::unordered_|#\s*include\s*<unordered_")):
            yield Violation(source.path, line, "std::unordered_ has no order; use a sorted container")


def blocks(code):
    """(first line, last line) of every outermost function body; a best-effort scanner of braces."""
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: re.sub(r"[^\n]", " ", m.group()), code, flags=re.MULTILINE)
    stack = []
    head_start = 0
    for found in re.finditer(r"[{};]", code):
        at, sign = found.start(), found[0]
        outside = all(kind == "scope" for kind, _ in stack)
        if sign == "{":
            head = code[head_start:at].strip()
            stack.append((kind_of_block(head) if outside else "inner", at))
            if stack[-1][0] == "scope":
                head_start = at + 1
        elif sign == "}" and stack:
            kind, start = stack.pop()
            goes_on = re.match(r"\s*[,{]", code[at + 1 :])  # `member{value}, other{value} {` of a constructor.
            if kind == "function" and not goes_on:
                yield line_of(code, start), line_of(code, at)
            if all(k == "scope" for k, _ in stack) and not (kind == "function" and goes_on):
                head_start = at + 1
        elif sign == ";" and outside:
            head_start = at + 1


def kind_of_block(head):
    """What an opening brace at namespace or class level opens, by the text since the last statement."""
    head = re.sub(r"^(?:[A-Z][A-Z0-9_]*\s*\((?:[^()]|\([^()]*\))*\)\s*)+(?=[A-Za-z\[])", "", head)  # MACRO(x) namespace {
    bare = re.sub(r"^template\s*<[^{};]*?>\s*(?=class|struct|union|[a-z_])", "", head)
    bare = re.sub(r"\[\[[^\]]*\]\]", " ", bare)
    if re.match(r"(inline\s+)?namespace\b|extern\b\s*$|(public|private|protected)\s*:\s*$", bare):
        return "scope"
    bare = re.sub(r"^((public|private|protected)\s*:\s*)+", "", bare)
    if re.match(r"(typedef\s+)?(class|struct|union)\b", bare) and not bare.endswith(")"):
        return "scope"
    if "(" in bare and not re.match(r"enum\b", bare):
        return "function"
    return "inner"


def functions_fit_a_screen(tree):
    for source in tree.cpp():
        for first, last in blocks(source.code):
            if last - first + 1 > FUNCTION_LINES_MAX:
                yield Violation(source.path, first, f"function of {last - first + 1} lines (at most {FUNCTION_LINES_MAX})")


def nothing_is_left_over(tree):
    for source in tree.sources:
        for line, found in source.search(LEFTOVER, source.text):
            yield Violation(source.path, line, f"leftover {found[0]}")


def sources_name_their_licence(tree):
    for source in tree.sources:
        if source.is_script and source.text.strip():
            if "SPDX-License-Identifier: Apache-2.0" not in "\n".join(source.text.split("\n")[:3]):
                yield Violation(source.path, 1, "no SPDX-License-Identifier in the first three lines")


def modules_introduce_themselves(tree):
    paths = {source.path: source for source in tree.sources}
    for module in sorted({source.module for source in tree.cpp() if source.module}):
        readme = paths.get(f"{module}/README.md")
        if readme is None:
            yield Violation(f"{module}/README.md", 1, "missing: purpose, rule of admission, what to read first")
        elif len(readme.text.splitlines()) > README_LINES_MAX:
            yield Violation(readme.path, README_LINES_MAX + 1, f"longer than {README_LINES_MAX} lines")


def folders_stay_small(tree):
    """Core is one flat folder by decision."""
    count = collections.Counter(s.path.rpartition("/")[0] for s in tree.cpp() if s.suffix == ".cpp" and s.module != "core")
    for folder, sources in sorted(count.items()):
        if sources > SOURCES_IN_FOLDER_MAX:
            yield Violation(folder, 1, f"{sources} sources (at most {SOURCES_IN_FOLDER_MAX})")


def files_stay_small(tree):
    for source in tree.cpp():
        lines = len(source.text.splitlines())
        if lines > FILE_LINES_MAX:
            yield Violation(source.path, FILE_LINES_MAX + 1, f"{lines} lines (at most {FILE_LINES_MAX})")


def no_machine_is_named(tree):
    for source in tree.sources:
        for line, found in source.search(MACHINE_PATH, source.text):
            yield Violation(source.path, line, f"path of one machine: {found[0]}...")


RULES = [
    includes_follow_the_modules,
    links_follow_the_modules,
    pure_modules_reach_no_library,
    pure_modules_include_no_impure_header,
    pure_modules_name_no_clock_or_chance,
    actors_read_no_clock,
    one_place_writes_to_people,
    results_have_an_order,
    functions_fit_a_screen,
    nothing_is_left_over,
    sources_name_their_licence,
    modules_introduce_themselves,
    folders_stay_small,
    files_stay_small,
    no_machine_is_named,
]


# --- running ----------------------------------------------------------------------------------------------------------


def check(root, compiler):
    tree = Tree(root, compiler)
    return [(rule.__name__, violation) for rule in RULES for violation in rule(tree)]


def write(root, files):
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            target.unlink()
        else:
            target.write_text(text)


def self_test(compiler):
    """A clean tree passes; each planted violation is found by its rule, in its file, and by no other rule."""
    failures = []
    unplanted = {rule.__name__ for rule in RULES} - {rule for rule, _, _ in PLANTED}
    failures += [f"rule without a planted violation: {name}" for name in sorted(unplanted)]
    for rule, where, files in [(None, None, {}), *PLANTED]:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder).resolve()
            write(root, CLEAN)
            write(root, files)
            found = {(name, violation.path) for name, violation in check(root, compiler)}
        expected = {(rule, where)} if rule else set()
        if found != expected:
            failures.append(f"planted {expected or 'nothing'}, found {found or 'nothing'}")
    for failure in failures:
        print(failure)
    print(f"style self-test: {len(PLANTED)} violations planted, {len(failures)} failures")
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=str(pathlib.Path(__file__).resolve().parents[2]))
    parser.add_argument("--compiler", default=os.environ.get("CXX", "g++"))
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return self_test(options.compiler)
    found = check(pathlib.Path(options.root).resolve(), options.compiler)
    for rule, violation in found:
        print(f"{violation.path}:{violation.line}: {violation.message} [{rule}]")
    print(f"style: {len(found)} violations of {len(RULES)} rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
