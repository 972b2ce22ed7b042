# repotool: what one does with the source.
#
#   make demo    a backup, a disaster and a recovery on a real FOSSology (two minutes)
#   make test    all tests; RACE=1 with the race detector (needs gcc)
#   make build   ./repotool, one static program
#   make browser looks at the page of bench report with Chromium
#   make lint    gofmt, vet, staticcheck
#   make faults  every change that a job makes fails, or the program is killed there, or
#                the power is cut; disks without room; every byte of a store changed:
#                FAULT_STEP=7 takes one in seven
#   make torture snapshots, forget, gc and restore at random, for TORTURE seconds
#   make fuzz    every fuzz test for FUZZTIME each
#   make compare-unpack DIR=...  every file below a directory, opened by us and by the
#                tools that FOSSology calls: both must find the same; as root
#   make bench   repotool beside rsync, restic and borg; RUNS=5 FILES=100000 ARGS=--json
#   make bench-life    the same with databases, gold-only backups, prune, gc and dedup
#   make bench-dedup   repotool dedup beside hardlink, jdupes, rdfind and rmlint
#   make bench-unpack  how fast an ISO of source rpms is indexed and re-unpacked
#   make scale   how time, memory and bytes grow from 10,000 to 1,000,000 files
#   make deps    what tests and demo need from the system; as root it installs it
#
# Only Go has to be there. As root the other targets install the rest with
# apt-get; as an ordinary user they say what to install.

GO ?= go
FUZZTIME ?= 30s
TORTURE ?= 125
# The program needs no C library; the race detector of the tests does.
export CGO_ENABLED = $(if $(RACE),1,0)

# One version for everybody: a new release of a linter must not break old commits.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: build test race browser lint fuzz faults torture compare-unpack demo bench bench-life bench-unpack bench-dedup scale deps clean

build:
	$(GO) build -trimpath -o repotool ./cmd/repotool

deps:
	scripts/deps.sh test $(if $(RACE),race)

# A package has seventy minutes, not go's ten: with the race detector on a busy machine of
# two processors, a real PostgreSQL and killed runs take a while.
test: deps
	$(GO) test -timeout 70m $(if $(RACE),-race) ./...

race:
	$(MAKE) test RACE=1

# Not a part of make test: Chromium is large.
browser:
	scripts/deps.sh browser
	$(GO) test -count=1 -tags browser -run InBrowser -v ./bench

# Few linters, each with its reason:
#   gofmt        nobody discusses layout
#   vet          wrong formats, copied locks, lost cancels: mistakes, not taste
#   staticcheck  unused code, misused standard library, ignored results of pure
#                functions; ST1000 because a package here begins with its comment
# staticcheck runs from the module proxy and leaves go.mod as it is. The import
# table and the documentation of exported names are tests (imports_test.go).
lint:
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo 'gofmt -w these files' >&2; exit 1; }
	$(GO) vet ./...
	CGO_ENABLED=0 $(GO) run $(STATICCHECK) -checks inherit,ST1000 ./...

# One after another against a model (KEEP_SEED repeats a run), then all at once.
# Some ten minutes with all of them.
FAULT_STEP ?= 1
faults: deps
	FAULT_STEP=$(FAULT_STEP) $(GO) test -count=1 -timeout 6h -run '^(TestFaults|TestPowerCut|TestDiskFull)' -v ./cmd/repotool
	EVERY_BYTE=$(FAULT_STEP) $(GO) test -count=1 -timeout 6h -run '^TestEveryByteOfAStore$$' -v ./verify

torture:
	KEEP_STEPS=$$(( $(TORTURE) * 8 )) KEEP_SECONDS=$(TORTURE) $(GO) test -timeout 0 -v -run '^TestKeep' ./snapshot

fuzz:
	FUZZTIME=$(FUZZTIME) scripts/fuzz.sh

# The tools are those of the tests, and genisoimage, rpm2cpio, cpio, plzip, binutils.
compare-unpack: deps
	COMPARE=$(abspath $(DIR)) $(GO) test -timeout 12h -count 1 -run TestCompareWithTools -v ./unpack

demo: build
	scripts/deps.sh demo
	$(GO) run ./scripts/demo -repotool ./repotool

# The generator of bench repo makes what they are measured on; see repotool bench repo --help.
# In memory, unless ON names an empty directory; see scripts/bench.sh.
RUNS ?= 5
FILES ?= 100000
BENCH = scripts/bench.sh $(CURDIR)/repotool bench

bench: build
	scripts/deps.sh bench
	$(BENCH) repo --no-database --peers --targets --files $(FILES) --runs $(RUNS) --step 'first snapshot' --step 'night without change' \
		--step 'night with 1 % new files' --step 'restore of everything' --step 'verify all data' --step 'remove the oldest day' $(ARGS) {}

bench-life: build
	scripts/deps.sh bench bench-dedup test
	RAM=14000 INODES=3000000 $(BENCH) repo --peers --targets --files $(FILES) --runs $(RUNS) $(ARGS) {}

bench-unpack: build
	scripts/deps.sh bench-unpack
	RUNS=$(RUNS) scripts/bench-unpack.sh $(ARGS)

bench-dedup: build
	scripts/deps.sh bench-dedup
	$(BENCH) repo --no-database --peers --files $(FILES) --doubles 0.3 --runs $(RUNS) --step dedup $(ARGS) {}

# A million files of the usual size fit into few memories: smaller ones do, in small blocks.
# On a disk with 90 GB, cold, in some hours: make scale ON=/mnt/test MEDIAN=3072 ARGS=--cold
SIZES ?= 10000 100000 1000000
MEDIAN ?= 300
scale: build
	scripts/deps.sh test
	BLOCK=1024 RAM=15000 INODES=6500000 $(BENCH) scale $(SIZES:%=--files %) --median $(MEDIAN) \
		--contestant 'repotool, flat days' --contestant 'repotool, gold only' $(ARGS) {}

clean:
	rm -f repotool
