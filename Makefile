# Steward. `make help` lists the targets; every one needs a Go toolchain and nothing else.
SHELL := bash
GO    ?= go
TOOL  := $(GO) tool -modfile=infra/tools/go.mod
ADDR  ?= 127.0.0.1:3000
DATA  ?= .steward
N     ?= 100000
SAM   := $(or $(SAM_TOOLS),.tools/sam)/bin
SEED  ?= 1

.DEFAULT_GOAL := help
.PHONY: peers test-peers help run demo webhook test race check fmt generate bench bench-policy build build-twice run-lambda bench-lambda fuzz conformance hooks clean sam-tools validate deploy sam-local try-sam

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## build and serve the whole API on 127.0.0.1:3000, data in .steward/
	@$(GO) run ./infra/local --addr $(ADDR) --data $(DATA)

demo: ## with the server up: do the main job on sample data and tell each step
	@$(GO) run ./infra/demo --url http://$(ADDR) --secret-file $(DATA)/onboarding.whsec

webhook: ## sign and send an onboarding webhook by hand; see ARGS=--help
	@$(GO) run ./infra/webhook --url http://$(ADDR)/webhooks/onboarding --secret-file $(DATA)/onboarding.whsec $(ARGS)

test: ## run every test
	$(GO) test -p 2 -count=1 ./...

race: ## run the tests under the race detector, but for those of whole processes and those that ask a library the same thousands of times
	$(GO) test -race -p 2 -count=1 -skip 'TestCrash$$|TestOracleOf|OfTheLibrary$$' ./functions/... ./shared/...

check: ## vet, staticcheck, format, tidy modules, generated files, coverage of policy
	$(GO) vet ./...
	$(TOOL) staticcheck ./...
	@out=$$($(TOOL) gofumpt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "gofumpt: run make fmt:"; echo "$$out"; exit 1; fi
	$(GO) mod tidy -diff
	@cd infra/tools && $(GO) mod tidy -diff
	@$(GO) test -count=1 -coverprofile=/dev/stdout ./shared/policy | awk 'NR>1 && $$NF==0 && /policy\// {bad=1; print "not covered: " $$0} END {exit bad}'
	@$(GO) run ./infra/tables --check
	@$(GO) run ./infra/phones --check
	@$(GO) run ./infra/docs --check
	@$(GO) run ./infra/stacks --check

fmt: ## format the source
	$(TOOL) gofumpt -w $$(git ls-files '*.go')

generate: ## write the generated tables, documents (errors, API) and stacks anew
	$(GO) run ./infra/tables
	$(GO) run ./infra/phones
	$(GO) run ./infra/docs
	$(GO) run ./infra/stacks

bench: ## run the benchmarks; each prints its ratio to a peer or a limit
	$(GO) test -run '^$$' -bench . -benchtime 1s -p 1 $$($(GO) list ./shared/... ./functions/... ./infra/... | grep -v shared/table/local$$)
	$(GO) test -run '^$$' -bench 'Commit|Get|Query' -benchtime 1s ./shared/table/local
	$(GO) test -run '^$$' -bench Open -benchtime 5x ./shared/table/local  # copies a large file each round

bench-policy: ## compare the permission engine with others, side by side; see ARGS=--help
	@cd infra/bench && $(GO) run . $(ARGS)

build: ## build what is deployed, for linux/arm64, into dist/
	@$(GO) run ./infra/lambda/build

build-twice: ## build twice, from two folders, and compare byte for byte
	@set -e; d=$$(mktemp -d); trap 'rm -rf "$$d"' EXIT; mkdir "$$d/copy"; git ls-files -z | xargs -0 cp --parents -t "$$d/copy"; \
	$(GO) run ./infra/lambda/build --out "$$d/one" >/dev/null; (cd "$$d/copy" && GOCACHE="$$d/cache" $(GO) run ./infra/lambda/build --out "$$d/two" >/dev/null); \
	diff -r "$$d/one" "$$d/two" && echo "two builds are the same"

run-lambda: ## serve the API by the Lambda binaries on 127.0.0.1:3000, on stand-ins for AWS (needs make peers)
	@$(GO) run ./infra/lambda/build --arch host --no-zip --out bin/lambda >/dev/null
	@$(GO) run ./infra/lambda/run --addr $(ADDR) --binaries bin/lambda

bench-lambda: ## compare the Lambda binaries with one that does nothing: start, size, memory, an invocation; see ARGS=--help
	@$(GO) run ./infra/lambda/bench $(ARGS)

sam-tools: ## install the pinned SAM CLI and cfn-lint (needs Python) into .tools
	@infra/sam/install.sh

validate: sam-tools ## check the stacks: cfn-lint, sam validate, and the policy test
	$(SAM)/cfn-lint template.yaml infra/*.yaml
	@printf '%s\n' template.yaml infra/*.yaml | SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 xargs -n1 -P2 $(SAM)/sam validate --lint --template
	$(GO) test -count=1 ./infra/stacks/...

deploy: build validate ## deploy to AWS: ENV=dev, staging or prod; see infra/docs/runbook.md
	@case "$(ENV)" in dev|staging|prod) ;; *) echo "ENV is dev, staging or prod"; exit 1;; esac
	$(SAM)/sam deploy --template template.yaml --config-env $(ENV) --parameter-overrides Env=$(ENV) $(PARAMETERS)

sam-local: sam-tools peers ## serve the functions by sam local in Docker on 127.0.0.1:3000 (needs an engine, or root and docker.io)
	@ADDR=$(ADDR) DATA=$(DATA) GO=$(GO) infra/sam/local.sh

try-sam: sam-tools peers ## run the demo's first steps through sam-local; says so where no engine can be started
	@GO=$(GO) infra/sam/try.sh

peers: ## install the programs that stand in for AWS in tests (needs Python and Node) into .peers
	@./infra/peers/install.sh

test-peers: peers ## run the contract suites of the AWS adapters, and the stories on the Lambda binaries, against those programs
	@files=$$(git grep -l '^//go:build peers' -- '*_test.go'); \
	$(GO) test -p 2 -parallel 4 -count=1 -tags peers -run "^($$(echo "$$files" | xargs grep -ho '^func Test[A-Za-z0-9_]*' | cut -c6- | sort -u | paste -sd '|'))$$" \
	  $$(echo "$$files" | xargs -n1 dirname | sort -u | sed 's|^|./|')

fuzz: ## fuzz each target for 20 seconds
	@for p in $$(grep -rl --include='*_test.go' '^func Fuzz' shared functions infra | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' $$p/*_test.go | cut -c6-); do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime 20s ./$$p || exit 1; done; done

conformance: ## ask the permission rules of N random tenants (100,000), from SEED on, against the oracle
	$(GO) test -count=1 -v -timeout 2h -run '^(TestPolicy|TestLocal)$$' ./shared/policy/policytest -worlds $(N) -seed $(SEED)

hooks: ## use the repository's git hooks in this clone
	git config core.hooksPath .githooks

clean: ## remove the data folder of make run
	rm -rf .steward
