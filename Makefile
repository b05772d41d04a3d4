# kamflow. `make` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
GO ?= go
PKGS := ./...
WORKFLOWCHECK := go.temporal.io/sdk/contrib/tools/workflowcheck@v0.6.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: help demo run test unit openid e2e race race-suite faults hostile starts rolling own-writes walk walk-machine calendar replay mutations controls upgrade-check record figures lint measure fmt generate verify bench bench-book bench-build bench-case clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## build, then the whole product on this machine with the invented sample organisation
	@echo "Building. The first build compiles the Temporal server and takes minutes; later ones take seconds."
	@( while sleep 15; do echo "  still building ($$SECONDS s)"; done & dots=$$!; trap 'kill $$dots 2>/dev/null' EXIT; \
		$(GO) build -o bin/ ./starter ./standalone )
	bin/standalone --demo $(DEMO)

run: ## the same without sample data
	$(GO) run ./standalone

test: unit openid e2e ## every test, end to end on a real Temporal server and PostgreSQL included

unit: ## rules, process, store (real PostgreSQL), workflows, replay, commands
	$(GO) vet $(PKGS)
	$(GO) test -vet=off -timeout 20m $(PKGS)

openid: ## sign-in by a real OpenID provider, which is a module of its own
	cd gateway/openid/real && GOWORK=off $(GO) vet $(PKGS) && GOWORK=off $(GO) test -vet=off -timeout 10m $(PKGS)

e2e: ## the real Temporal server with PostgreSQL, and a smoke of each fault and race
	@echo "Testing end to end. The first build compiles the Temporal server and takes minutes."
	cd standalone && $(GO) vet $(PKGS) && $(GO) test -vet=off -p 1 -timeout 30m $(PKGS)

faults: ## every fail point ten times, PostgreSQL and Temporal killed too: KAM_FAULT_ROUNDS=10
	cd standalone && KAM_FAULT_ROUNDS=$${KAM_FAULT_ROUNDS:-10} $(GO) test -count 1 -v -timeout 60m -run TestFaults ./faults

rolling: ## workers of two versions take over from each other, there and back: KAM_ROLLING_CASES=200
	cd standalone && KAM_ROLLING_CASES=$${KAM_ROLLING_CASES:-200} $(GO) test -count 1 -v -timeout 30m -run 'TestRolling' ./faults

own-writes: ## decisions over the API, with the inbox read after each: KAM_OWN_WRITES=1000
	cd standalone && KAM_OWN_WRITES=$${KAM_OWN_WRITES:-1000} $(GO) test -count 1 -v -timeout 60m -run 'TestOwnWritesAreRead$$' ./e2e

walk: ## 10,000 random steps over the real workflow and PostgreSQL: KAM_WALK_STEPS, and KAM_WALK_SEED to repeat one
	KAM_WALK_STEPS=$${KAM_WALK_STEPS:-10000} $(GO) test -count 1 -v -timeout 60m -run 'TestWalk$$' ./internal/acceptance

hostile: ## poison payloads, huge inputs, floods and doubled starts on the real servers, with figures
	cd standalone && $(GO) test -count 1 -v -timeout 10m ./hostile

starts: ## 10,000 starts, each sent twice, and what they take: KAM_STARTS=10000
	cd standalone && KAM_STARTS=$${KAM_STARTS:-10000} $(GO) test -count 1 -v -timeout 60m -run 'TestStarts$$' ./hostile

race-suite: ## people who act at the same moment, told held against stored: KAM_RACE_ROUNDS=2000
	cd standalone && KAM_RACE_ROUNDS=$${KAM_RACE_ROUNDS:-2000} $(GO) test -count 1 -v -timeout 60m -run TestRaces ./races

race: ## the tests of the root module under the race detector
	$(GO) test -race -timeout 30m $(PKGS)

walk-machine: ## a long random walk over the state machine: KAM_WALK_STEPS=50000000, KAM_WALK_SEED to repeat one
	KAM_WALK_STEPS=$${KAM_WALK_STEPS:-50000000} $(GO) test -count 1 -v -timeout 60m -run 'TestRandomWalk|TestEveryOrderOfEvents' ./kam/onboarding

calendar: ## the business calendar against the wall clock, minute by minute: CHECKS=4000
	$(GO) test -count 1 -v -timeout 60m -run 'TestCalendarAgreesWithTheWallClock' ./kam -rapid.checks=$${CHECKS:-4000}

replay: ## recorded histories against today's workflow code
	$(GO) test -run 'TestReplay' ./workflows/...

mutations: ## edits that would break open cases are each caught
	@set -o pipefail; KAM_MUTATIONS=all $(GO) test -count 1 -v -run TestMutations ./internal/mutations | sed 's/^ *mutations_test.go:[0-9]*: //'

controls: ## lines that keep somebody out are taken away one at a time, and a test misses each: KAM_CONTROLS=pattern
	@set -o pipefail; KAM_CONTROLS=$${KAM_CONTROLS:-all} $(GO) test -count 1 -v -timeout 60m -run TestControls ./internal/mutations | sed 's/^ *controls_test.go:[0-9]*: //'

upgrade-check: ## the open cases of a running installation against today's workflow code: make upgrade-check ARGS="--config FILE"
	@$(GO) run ./worker upgrade-check $(ARGS)

HISTORY = workflows/testdata/history/$(VERSION)
record: ## record histories of every sample case: make record VERSION=v0.2.0
	@[[ "$(VERSION)" =~ ^v[0-9]+\.[0-9]+\.[0-9]+$$ ]] || { echo "say which release: make record VERSION=v0.2.0"; exit 2; }
	@test ! -e $(HISTORY) || { echo "histories of $(VERSION) exist; a released history is never edited"; exit 2; }
	@trap 'rm -rf $(HISTORY); exit 1' INT TERM; \
		( cd standalone && KAM_RECORD=$(VERSION) $(GO) test -count 1 -run TestSampleOnboardings ./e2e ) || { rm -rf $(HISTORY); echo "nothing was recorded"; exit 1; }
	@echo "$$(ls $(HISTORY) | wc -l) histories in $(HISTORY)"

lint: ## formatting, vet, determinism of workflows, staticcheck
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet $(PKGS)
	$(GO) run $(WORKFLOWCHECK) ./workflows/...
	$(GO) run $(STATICCHECK) $(PKGS)
	cd standalone && $(GO) vet $(PKGS) && $(GO) run $(STATICCHECK) $(PKGS)

measure: ## lines by room, methods, long files, comments, and the rooms that a decision passes
	@$(GO) test -count 1 -v -run 'TestMeasure$$' ./internal/archtest | grep -v '^---\|^===\|^ok\|^PASS' | sed 's/^ *[a-z_]*\.go:[0-9]*: //'
	@cd standalone && $(GO) test -count 1 -v -run 'TestTrace$$' ./e2e | sed -n 's/^ *[a-z_]*\.go:[0-9]*: \(a decision passes\)/\1/p'

fmt: ## format the code
	gofmt -w $$(git ls-files '*.go')

generate: ## the documents and pictures made from the tables
	$(GO) test ./internal/procdoc/... -update
	$(GO) test ./internal/mutations -run TestDocumentIsCurrent -update

verify: generate ## generated files are current
	git diff --exit-code -- docs

figures: ## what the rules do on open data, and how fast, with the numbers
	@$(GO) test -count=1 -v -run 'Open|Restaurants|Onboarding|SameRegistration|Large|Speed|Expected|Published|Truth' ./kam/rules/... ./internal/rulescli | grep -E '^ +[a-z_]+_test.go|^(---|ok|FAIL)' | grep -v '^--- PASS'

bench: ## the rules on 100,000 customers
	$(GO) test -run '^$$' -bench . -benchtime 3x ./kam/rules/...

bench-book: ## import of 100,000 customers with a year of sales, phases timed: KAM_BENCH_BOOK=100000
	KAM_BENCH_BOOK=$${KAM_BENCH_BOOK:-100000} $(GO) test -count 1 -v -timeout 30m -run TestBenchBook ./internal/acceptance

bench-build: ## the first build, from an empty build cache: seconds, packages, bytes
	@set -e; dir=$$(mktemp -d); trap 'rm -rf $$dir' EXIT; export GOCACHE=$$dir/cache TIMEFORMAT='  %R s; processor %U s user, %S s system'; \
		echo "$$($(GO) version), $$(nproc) cores, $$(git describe --always --dirty), $$(date -u +%F)"; \
		$(GO) list -deps ./... ./standalone/... > /dev/null; \
		echo "compile the root module"; time $(GO) build ./...; \
		echo "compile standalone"; time ( cd standalone && $(GO) build ./... ); \
		echo "link standalone"; time $(GO) build -o $$dir/ ./standalone; \
		echo "standalone: $$($(GO) list -deps ./standalone | wc -l) packages, $$(wc -c < $$dir/standalone) bytes"

bench-case: ## what a case costs, in multiples of a bare workflow: docs/performance.md names the settings KAM_BENCH_*
	cd standalone && KAM_BENCH_CASES=$${KAM_BENCH_CASES:-96} KAM_BENCH_JSON="$(abspath $(KAM_BENCH_JSON))" KAM_BENCH_PROFILE="$(abspath $(KAM_BENCH_PROFILE))" \
		$(GO) test -count 1 -v -timeout 60m -run 'TestBenchCase$$' .

clean: ## remove built files; the data directory stays
	rm -rf bin dist
