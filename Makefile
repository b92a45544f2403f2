# SPDX-License-Identifier: Apache-2.0
#
# The commands of the project. CMake builds (see CMakePresets.json); the scripts are in tools/.

.PHONY: help demo demo-kafka test torture build install check bench asan tsan format clean setup
.DEFAULT_GOAL := help
PREFIX ?= /usr/local

help:
	@echo 'make demo    build, then watch it: a day, a synthetic month, the day under another policy, a ladder'
	@echo 'make demo-kafka  a real broker, two instances, one of them killed: no decision is lost or doubled'
	@echo 'make test    the whole suite in release, fast tests under ASan + UBSan, what has threads under TSan'
	@echo 'make torture faults on real brokers until it is stopped, recorded in a ledger: tools/torture --help'
	@echo 'make build   build/release/fairuse'
	@echo 'make install  fairuse to PREFIX/bin (/usr/local), its examples to PREFIX/share/fairuse; DESTDIR as usual'
	@echo 'make check   before a commit: format, warnings, fast tests, style bans, clang-tidy'
	@echo 'make bench   build and run the benchmarks'
	@echo 'make asan    the fast tests under ASan + UBSan; make tsan: those with threads under TSan'
	@echo 'make format  clang-format in place; make clean: remove build/'

setup:
	@tools/setup

build: setup
	@tools/build release fairuse

install: build
	@DESTDIR='$(DESTDIR)' cmake --install build/release --prefix '$(PREFIX)'

demo: build
	@build/release/fairuse demo
	@tools/demo_ladder

demo-kafka: build
	@tools/demo_kafka

test: setup
	@tools/test

asan tsan: setup
	@tools/test $@

torture: setup
	@tools/build release fairuse torture_feed torture_judge
	@tools/torture

check:
	@tools/check

bench: setup
	@tools/bench

format:
	@tools/format

clean:
	rm -rf build
