# SPDX-License-Identifier: Apache-2.0
"""What the style test's self-test plants: a clean tree, and for every rule at least one way to break it."""

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
CMAKE_SPDX = "# SPDX-License-Identifier: Apache-2.0\n"
LEFTOVER = "FIX" + "ME"
SOMEONES_FOLDER = "/ho" + "me/someone/fairuse"


def cpp(*lines):
    return SPDX + "\n".join(lines) + "\n"


def function_of(lines, head="int f() {"):
    return cpp(head, *["  g();"] * (lines - 2), "}")


# Everything here is permitted, also where it looks like a violation.
CLEAN = {
    "core/README.md": "The rules.\n",
    "core/rules.hpp": cpp(
        "#pragma once",
        "#include <cstdint>",
        "#include <string>",
        '#include "events/event.hpp"',
        "// No system_clock, no getenv( and no std::cout here; /* nor rand() */",
        'inline const char* text = "std::cout << system_clock";',
        "struct brand { int brand(int); };",
        "constexpr std::int64_t big = 1'000'000;  // it's a digit separator",
    ),
    "core/rules.cpp": cpp('#include "core/rules.hpp"', "#include <algorithm>", "#include <vector>"),
    "core/CMakeLists.txt": CMAKE_SPDX + "fairuse_library(core SOURCES rules.hpp rules.cpp DEPENDS fairuse::events)\n",
    "events/README.md": "What happened.\n",
    "events/event.hpp": cpp("#pragma once", "#include <compare>", "#include <string_view>"),
    "actors/README.md": "Who does it.\n",
    "actors/user.cpp": cpp('#include "core/rules.hpp"', "void on_request(); void f() { on_request(); }"),
    "streams/README.md": "Where it comes from.\n",
    "streams/local_log.cpp": cpp('#include "storage/rows.hpp"'),
    "streams/CMakeLists.txt": CMAKE_SPDX + "fairuse_library(streams SOURCES local_log.cpp DEPENDS fairuse::storage)\n",
    "storage/README.md": "What is remembered.\n",
    "storage/rows.hpp": cpp("#pragma once", "#include <unordered_map>", "inline std::unordered_map<int, int> cache;"),
    "tests/README.md": "How we know.\n",
    "tests/long_test.cpp": cpp("ALLOW(f(x))", "namespace a {", *["void f();"] * 80, "}", "struct b {", *["  int c();"] * 80, "};")
    + "const int table[] = {\n" + "  1,\n" * 80 + "};\n",
    "docs/paths.md": "See https://example.org/home/page, /var/lib/fairuse and docs/work/flow.md.\n",
}

# (rule, the file it must name, the files to plant; None removes one)
PLANTED = [
    ("includes_follow_the_modules", "core/bad.cpp", {"core/bad.cpp": cpp('#include "actors/user.hpp"'), "actors/user.hpp": cpp()}),
    ("includes_follow_the_modules", "storage/bad.cpp", {"storage/bad.cpp": cpp('#include "sim/run.hpp"')}),
    ("includes_follow_the_modules", "actors/bad.cpp", {"actors/bad.cpp": cpp("  #  include <storage/rows.hpp>")}),
    ("includes_follow_the_modules", "streams/local.cpp", {"streams/local.cpp": cpp('#include "actors/worker.hpp"')}),
    (
        "includes_follow_the_modules",
        "streams/kafka/broker/bad.cpp",
        {"streams/kafka/broker/bad.cpp": cpp('#include "actors/worker.hpp"'), "streams/kafka/broker/README.md": "Calls.\n"},
    ),
    (
        "includes_follow_the_modules",
        "core/bad.cpp",
        {
            "core/bad.cpp": cpp('#include "base/system/files.hpp"'),
            "base/system/files.hpp": cpp("#pragma once"),
            "base/system/README.md": "Files.\n",
        },
    ),
    ("includes_follow_the_modules", "storage/bad.cpp", {"storage/bad.cpp": cpp('#include "rows.hpp"')}),
    (
        "links_follow_the_modules",
        "actors/CMakeLists.txt",
        {"actors/CMakeLists.txt": CMAKE_SPDX + "fairuse_library(actors SOURCES user.cpp DEPENDS fairuse::sim)\n"},
    ),
    ("pure_modules_reach_no_library", "core/bad.cpp", {"core/bad.cpp": cpp("#include <zstd.h>")}),
    (
        "pure_modules_reach_no_library",
        "core/bad.hpp",
        {"core/bad.hpp": cpp("#pragma once", "#ifdef __linux__", "#  include <caf/config.hpp>", "#endif")},
    ),
    ("pure_modules_reach_no_library", "core/bad.cpp", {"core/bad.cpp": cpp("#include <no_such_header.hpp>")}),
    ("pure_modules_include_no_impure_header", "core/bad.cpp", {"core/bad.cpp": cpp("#include <fstream>")}),
    ("pure_modules_include_no_impure_header", "core/bad.hpp", {"core/bad.hpp": cpp("#pragma once", "#include <random>")}),
    ("pure_modules_include_no_impure_header", "events/bad.hpp", {"events/bad.hpp": cpp("#pragma once", "#include <ctime>")}),
    (
        "pure_modules_name_no_clock_or_chance",
        "core/bad.cpp",
        {"core/bad.cpp": cpp("#include <chrono>", "auto f() { return std::chrono::system_clock::now(); }")},
    ),
    ("pure_modules_name_no_clock_or_chance", "core/bad.cpp", {"core/bad.cpp": cpp("int f() { return rand(); }")}),
    ("pure_modules_name_no_clock_or_chance", "events/bad.cpp", {"events/bad.cpp": cpp('auto f() { return getenv("X"); }')}),
    ("pure_modules_name_no_clock_or_chance", "events/bad.cpp", {"events/bad.cpp": cpp('void f() { std::clog << "x"; }')}),
    ("actors_read_no_clock", "actors/bad.cpp", {"actors/bad.cpp": cpp("void f() { self->delayed_send(a, b, 1); }")}),
    ("actors_read_no_clock", "actors/bad.cpp", {"actors/bad.cpp": cpp("void f() { caf::delayed_anon_send(a, b); }")}),
    ("actors_read_no_clock", "actors/bad.cpp", {"actors/bad.cpp": cpp("auto f() { return self->clock().now(); }")}),
    ("actors_read_no_clock", "actors/bad.cpp", {"actors/bad.cpp": cpp("void f() { self->request(a, caf::infinite, 1); }")}),
    ("one_place_writes_to_people", "cli/bad.cpp", {"cli/bad.cpp": cpp('void f() { fmt::print("x"); }'), "cli/README.md": "If.\n"}),
    ("one_place_writes_to_people", "cli/bad.cpp", {"cli/bad.cpp": cpp("void f() { std::fflush(stdout); }"), "cli/README.md": "If.\n"}),
    ("results_have_an_order", "core/bad.cpp", {"core/bad.cpp": cpp("std::unordered_map<int, int> m;")}),
    ("results_have_an_order", "sim/bad.cpp", {"sim/bad.cpp": cpp("std::unordered_set<int> s;"), "sim/README.md": "If.\n"}),
    ("functions_fit_a_screen", "storage/bad.cpp", {"storage/bad.cpp": function_of(71)}),
    (
        "functions_fit_a_screen",
        "storage/bad.cpp",
        {"storage/bad.cpp": function_of(71, "namespace a { struct b { b() : x{1}, y{2} {") + "};\n}\n"},
    ),
    (
        "functions_fit_a_screen",
        "storage/bad.cpp",
        {"storage/bad.cpp": function_of(90, "template <class T>\nauto c<T>::f(T x) const -> int {")},
    ),
    (
        "functions_fit_a_screen",
        "tests/bad.cpp",
        {"tests/bad.cpp": function_of(71, "BOOST_AUTO_TEST_SUITE(a)\nBOOST_AUTO_TEST_CASE(b) {")},
    ),
    ("nothing_is_left_over", "docs/bad.md", {"docs/bad.md": f"{LEFTOVER}: write this.\n"}),
    ("nothing_is_left_over", "core/bad.cpp", {"core/bad.cpp": cpp(f"// {LEFTOVER}(someone): why")}),
    ("sources_name_their_licence", "core/bad.cpp", {"core/bad.cpp": "int x;\n"}),
    ("sources_name_their_licence", "tools/bad", {"tools/bad": "#!/usr/bin/env bash\ntrue\n"}),
    ("sources_name_their_licence", "storage/bad.proto", {"storage/bad.proto": 'syntax = "proto3";\n'}),
    ("modules_introduce_themselves", "core/README.md", {"core/README.md": None}),
    ("modules_introduce_themselves", "events/README.md", {"events/README.md": "line\n" * 21}),
    (
        "folders_stay_small",
        "tests/many",
        {f"tests/many/{number}.cpp": cpp("int f();") for number in range(31)},
    ),
    ("files_stay_small", "tests/bad.cpp", {"tests/bad.cpp": cpp(*["int f();"] * 600)}),
    ("no_machine_is_named", "docs/bad.md", {"docs/bad.md": f"cd {SOMEONES_FOLDER}\n"}),
]
