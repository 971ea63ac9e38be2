#!/bin/sh
# capsule-cc as an author meets it: what it builds, and what it says when it cannot.
set -eu
cd "$(dirname "$0")/../.."
cc=$PWD/sdk/c/capsule-cc
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    printf 'FAILED %s: %s\n' "$name" "$*" >&2
    exit 1
}

# refuses WORDS ARGUMENT...: capsule-cc fails, says WORDS, and writes no output
refuses() {
    words=$1
    shift
    if "$cc" "$@" -o "$work/out.wasm" 2>"$work/said"; then
        fail "succeeded"
    fi
    grep -q -e "$words" "$work/said" || fail "expected \"$words\", found: $(cat "$work/said")"
    [ ! -e "$work/out.wasm" ] || fail "wrote an output"
}

exports() {
    wasm-objdump -x -j Export "$1" | sed -n 's/.* -> "\(.*\)"$/\1/p' | sort | tr '\n' ' '
}

imports() {
    { wasm-objdump -x -j Import "$1" 2>&1 || true; } | sed -n 's/.* <- //p' | sort | tr '\n' ' '
}

expect() {
    [ "$1" = "$2" ] || fail "expected \"$2\", found \"$1\""
}

cat >"$work/hook.c" <<'END'
#include <bulkhead/capsule.h>
capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    return capsule_continue(payload);
}
END

name="a capsule exports what the canonical ABI asks for and imports nothing"
"$cc" "$work/hook.c" -o "$work/hook.wasm"
wasm-validate "$work/hook.wasm" || fail "not valid"
expect "$(exports "$work/hook.wasm")" \
    "_initialize astrid-hook-trigger cabi_post_astrid-hook-trigger cabi_realloc memory "
expect "$(imports "$work/hook.wasm")" ""

name="function names are kept and debug information is not"
wasm-objdump -h "$work/hook.wasm" >"$work/sections"
grep -q '"name"' "$work/sections" || fail "no name section"
if grep -q '\.debug' "$work/sections"; then fail "debug sections"; fi
wasm-objdump -x -j name "$work/hook.wasm" | grep -q '<capsule_hook>' || fail "no function name"

name="an optional entry point is exported exactly when it is defined"
cat "$work/hook.c" - >"$work/install.c" <<'END'
void capsule_install(void)
{
    capsule_log(CAPSULE_LOG_INFO, "installed at %.1f", (double)capsule_clock_ms());
}
END
"$cc" "$work/install.c" -o "$work/install.wasm"
exports "$work/install.wasm" | grep -q 'astrid-install' || fail "astrid-install is missing"
if exports "$work/install.wasm" | grep -q -e 'astrid-upgrade' -e 'run'; then
    fail "exports more: $(exports "$work/install.wasm")"
fi

name="formatting needs no WASI, only what is called is imported"
expect "$(imports "$work/install.wasm")" \
    "astrid:sys/host@1.0.0.clock-ms astrid:sys/host@1.0.0.log "

name="paths with spaces, several sources and compiler flags work"
mkdir "$work/a b"
cp "$work/hook.c" "$work/a b/the hook.c"
echo 'int twice(int x); int twice(int x) { return FACTOR * x; }' >"$work/a b/more.c"
"$cc" "$work/a b/more.c" -DFACTOR="(1 + 1)" "$work/a b/the hook.c" -o "$work/a b/the out.wasm"
wasm-validate "$work/a b/the out.wasm" || fail "not valid"

name="what needs WASI is named"
cat "$work/hook.c" - >"$work/wasi.c" <<'END'
#include <stdio.h>
void capsule_install(void)
{
    puts("hello");
}
END
refuses 'fd_write' "$work/wasi.c"
refuses 'from WASI, which capsules do not have' "$work/wasi.c"

name="a capsule without a hook does not link"
echo 'int x;' >"$work/empty.c"
refuses 'undefined symbol: capsule_hook' "$work/empty.c"

name="an error of the compiler is an error"
echo '#include <bulkhead/capsule.h>
nonsense' >"$work/broken.c"
refuses 'nonsense' "$work/broken.c"

name="wrong use is told"
refuses 'usage:'
refuses 'no such file: ' "$work/nothing.c"
export CLANG=clang-of-no-version
refuses 'CLANG is clang-of-no-version' "$work/hook.c"
unset CLANG
export WASI_SYSROOT=$work
refuses "no wasi-libc below $work" "$work/hook.c"
echo "capsule-cc: all passed"
