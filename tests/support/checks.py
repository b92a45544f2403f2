# SPDX-License-Identifier: Apache-2.0
"""Comparisons that say what differs, for scripts whose cases are functions."""


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def short(value):
    text = repr(value)
    return text if len(text) < 2_000 else f"{text[:1_000]} ... {text[-900:]}"


def equal(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: got {short(got)}, wanted {short(wanted)}")


def same_lines(got, wanted, what):
    """Two outputs, byte for byte; names the first line that differs."""
    if got == wanted:
        return
    got, wanted = got.split(b"\n"), wanted.split(b"\n")
    for number, (a, b) in enumerate(zip(got, wanted), 1):
        if a != b:
            raise AssertionError(f"{what}: line {number} is\n  {short(a)}\nand should be\n  {short(b)}")
    raise AssertionError(f"{what}: {len(got)} lines instead of {len(wanted)}")
