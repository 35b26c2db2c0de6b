# Entry points of the workspace. Everything here runs on a fresh Debian, Ubuntu or Fedora
# that has make and Rust; what else is missing is named and, as root or with sudo, installed.

.DEFAULT_GOAL := help
SHELL := /bin/bash

# rustup may have installed cargo without the calling shell knowing yet.
export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin

# Variables for the command line
SECONDS ?= 60
BACKEND ?= software
DEMO_ARGS ?=
TEST_ARGS ?=
BENCH_ARGS ?=

CARGO_PROFILE ?= release
CARGO_ARGS ?=

# Where cargo puts what `make install` takes.
BUILT = $(or $(CARGO_TARGET_DIR),target)/$(if $(CARGO_BUILD_TARGET),$(CARGO_BUILD_TARGET)/)$(subst dev,debug,$(CARGO_PROFILE))
PLUGIN_FILE ?= $(BUILT)/libzkey_kmip.so
PROGRAM_FILE ?= $(BUILT)/zkey-kmip

# What the tests of kmip also enable, and what those of kmip-server have in `make interop`.
KMIP_FEATURES := --features kmip/arbitrary,kmip/deadpool,kmip/tokio,kmip/tracing,kmip-server/postgres

SCRIPTS := scripts/*.sh packaging/*.sh packaging/debian/p* .ci/run

.PHONY: help
help: ## this list
	@echo 'make TARGET [VARIABLE=value]'
	@sed -nE 's/^([a-z0-9 -]+):.*## (.*)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

.PHONY: demo
demo: setup ## the zkey plugin against a key server, from nothing to a key; BACKEND=cca|ep11|software, DEMO_ARGS
	scripts/demo.sh --backend $(BACKEND) $(DEMO_ARGS)

.PHONY: test
test: setup ## all tests; TEST_ARGS go to cargo test
	cargo test --workspace --locked $(TEST_ARGS)

.PHONY: bench
bench: setup ## the benchmarks, with benches/RESULTS.md; BENCH_ARGS go to criterion
	scripts/bench.sh $(BENCH_ARGS)

.PHONY: fuzz
fuzz: ## every fuzz target for SECONDS each (default 60)
	scripts/fuzz.sh $(SECONDS)

.PHONY: tables
tables: setup ## the tables against the specification (needs the reference material)
	scripts/spec-check.sh

.PHONY: conformance
conformance: setup ## the official test cases in all encodings (needs the reference material)
	cargo test --locked -p kmip-cli --test conformance --test play --test transposed

.PHONY: interop
interop: ## client and server against PyKMIP, PostgreSQL and curl
	scripts/interop.sh

.PHONY: interop-cosmian
interop-cosmian: ## the plugin against Cosmian KMS, whose program KMIP_COSMIAN names; BACKEND
	scripts/interop-cosmian.sh $(BACKEND)

.PHONY: s390x
s390x: setup ## build for s390x and run the tests under qemu (Debian 12 on amd64)
	scripts/s390x.sh

.PHONY: lint
lint: fmt clippy doc deny shellcheck ## fmt, clippy, doc, deny and shellcheck

.PHONY: fmt
fmt: ## check the formatting
	cargo fmt --all --check

.PHONY: clippy
clippy: setup ## clippy with the features of kmip and without, warnings are errors
	cargo clippy --workspace --all-targets --locked $(KMIP_FEATURES) -- -D warnings
	cargo clippy -p kmip -p zkey-kmip --locked -- -D warnings

.PHONY: doc
doc: setup ## build the documentation, warnings are errors
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked $(KMIP_FEATURES)

.PHONY: deny
deny: ## licences, bans and sources of the dependencies
	scripts/deny.sh licenses bans sources

.PHONY: audit
audit: ## known vulnerabilities of the dependencies (fetches the advisory database)
	scripts/deny.sh advisories

.PHONY: build-plugin
build-plugin: ## build the plugin and its host; CARGO_PROFILE, CARGO_ARGS
	cargo build -p zkey-kmip --locked --profile $(CARGO_PROFILE) $(CARGO_ARGS)

.PHONY: install
install: ## install them (not built here); DESTDIR and the variables of s390-tools
	DESTDIR='$(DESTDIR)' USRBINDIR='$(USRBINDIR)' USRLIB64DIR='$(USRLIB64DIR)' \
	ZKEYKMSPLUGINDIR='$(ZKEYKMSPLUGINDIR)' SYSCONFDIR='$(SYSCONFDIR)' DATADIR='$(DATADIR)' \
	MANDIR='$(MANDIR)' BASHCOMPDIR='$(BASHCOMPDIR)' DOCDIR='$(DOCDIR)' OWNER='$(OWNER)' \
	GROUP='$(GROUP)' PLUGIN_NAME='$(PLUGIN_NAME)' CONFIGURE='$(CONFIGURE)' \
	PLUGIN_FILE='$(PLUGIN_FILE)' PROGRAM_FILE='$(PROGRAM_FILE)' packaging/install.sh

.PHONY: deb rpm
deb rpm: ## build a package into target/packages
	scripts/package.sh $@

.PHONY: package-check
package-check: ## build both packages, and install and remove them in a directory; CARGO_PROFILE
	scripts/package-check.sh

.PHONY: shellcheck
shellcheck:
	@scripts/setup.sh lint
	shellcheck $(SCRIPTS)

.PHONY: setup
setup: ## check for the compiler, OpenSSL and Rust; install what is missing
	@scripts/setup.sh
