#!/usr/bin/env bash
# The installed library embeds: pkg-config and the CMake package both build examples/embed, it runs,
# and the shared library exports bh_* and nothing else.
set -euo pipefail

build=${BULKHEAD_BUILD_DIR:?}
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "test_install: $*" >&2; exit 1; }

cmake --install "$build" --prefix "$work/prefix" >/dev/null
library=$(find "$work/prefix" -name libbulkhead.so)
library_dir=$(dirname "$library")

foreign=$(nm -D --defined-only "$library" | awk '{print $3}' | grep -v '^bh_' || true)
[ -z "$foreign" ] || fail "the library exports more than bh_*: $foreign"
nm -D --defined-only "$library" | grep -q ' bh_invoke$' || fail "bh_invoke is not exported"

check_answer() {
    local answer
    answer=$(LD_LIBRARY_PATH=$library_dir "$1" "$source/examples/echo" "hello there")
    [ "$answer" = "continue hello there" ] || fail "$2: unexpected answer '$answer'"
}

sanitize=$(sed -n 's/^BULKHEAD_SANITIZE:STRING=\(..*\)$/-fsanitize=\1/p' "$build/CMakeCache.txt")
export PKG_CONFIG_PATH=$library_dir/pkgconfig
# shellcheck disable=SC2046
cc $sanitize "$source/examples/embed/embed.c" $(pkg-config --cflags --libs bulkhead) -o "$work/embed"
check_answer "$work/embed" pkg-config

cmake -S "$source/examples/embed" -B "$work/cmake" -G Ninja -DCMAKE_C_FLAGS="$sanitize" \
    -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
cmake --build "$work/cmake" >/dev/null
check_answer "$work/cmake/embed" cmake
echo "test_install: ok"
