#!/usr/bin/env bash
# No directory includes from a layer below it; engine headers stay in src/engine.
exec "$(dirname "$0")/../../tools/check-layers"
