#!/usr/bin/env bash
# Installs what the tests need and runs every check: format, generated files,
# vet, lint, and all tests with the race detector in random order.
set -euo pipefail
cd "$(dirname "$0")/.."

# Real servers that tests start on loopback, and the tools that judge their
# configuration, as Debian packages them.
declare -A package_of=(
  [clickhouse-server]=clickhouse-server [promtool]=prometheus
  [prometheus-alertmanager]=prometheus-alertmanager [amtool]=prometheus-alertmanager [systemd-analyze]=systemd
)
missing=()
for program in "${!package_of[@]}"; do
  command -v "$program" >/dev/null || missing+=("${package_of[$program]}")
done
mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u | sed '/^$/d')
if ((${#missing[@]})); then
  if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
    echo "missing Debian packages: ${missing[*]}" >&2
    echo "install them (as root: apt-get install ${missing[*]}) and run this again" >&2
    exit 1
  fi
  echo "==> installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
for program in go npm gcc; do # the race detector needs a C compiler
  command -v "$program" >/dev/null || { echo "missing program: $program" >&2; exit 1; }
done

linter=v2.14.0
bin="$(go env GOPATH)/bin"
if ! "$bin/golangci-lint" version 2>/dev/null | grep -qF "${linter#v}"; then
  echo "==> installing golangci-lint $linter"
  go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$linter"
fi

echo "==> embedded engine"
go run ./cmd/faaswarden store install

echo "==> gofmt"
unformatted=$(git ls-files '*.go' | xargs gofmt -l)
if [[ -n $unformatted ]]; then
  echo "gofmt would change: $unformatted" >&2
  exit 1
fi

echo "==> generated files"
go run ./internal/gen -check

echo "==> go vet"
go vet ./...

echo "==> cross-compile"
for platform in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64; do
  CGO_ENABLED=0 GOOS=${platform%/*} GOARCH=${platform#*/} go build -o /dev/null ./cmd/faaswarden
done

echo "==> golangci-lint"
"$bin/golangci-lint" run ./...

echo "==> go test"
go test -race -shuffle=on -timeout 40m ./...
