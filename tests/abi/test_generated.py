#!/usr/bin/env python3
"""The generated bindings are what witgen makes of wit/: no file stale, missing or left over."""
import json
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / 'tools/witgen'))

from witgen import generate  # noqa: E402


def stale_files(document):
    expected = generate(document)
    found = {str(path.relative_to(ROOT)) for path in (ROOT / 'src/abi/generated').iterdir()}
    found.add('tests/support/stub_host.c')
    problems = [f'{path}: not made by witgen' for path in sorted(found - set(expected))]
    for path, text in sorted(expected.items()):
        if path not in found:
            problems.append(f'{path}: missing')
        elif (ROOT / path).read_text() != text:
            problems.append(f'{path}: stale')
    return problems


def stale_json(text):
    if shutil.which('wasm-tools') is None:
        print('wasm-tools is not installed: wit/resolved.json is not compared with wit/')
        return []
    made = subprocess.run(['wasm-tools', 'component', 'wit', 'wit', '--json'], cwd=ROOT,
                          check=True, capture_output=True, text=True).stdout
    same = json.loads(made) == json.loads(text)
    return [] if same else ['wit/resolved.json: stale']


def signature(text):
    """In letters: iI:i for "(param i32 i64) (result i32)"."""
    letters = {'i32': 'i', 'i64': 'I', 'f32': 'f', 'f64': 'F'}
    parts = [re.search(rf'\({word}([^)]*)\)', text) for word in ('param', 'result')]
    return ':'.join(''.join(letters[t] for t in part[1].split()) if part else '' for part in parts)


def wrong_signatures():
    """Compare the core types of all imports with those that wasm-tools gives a module."""
    if shutil.which('wasm-tools') is None:
        return []
    made = subprocess.run(['wasm-tools', 'component', 'embed', 'wit', '--dummy-names', 'legacy',
                           '-t'], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    theirs = {(m[1], m[2], signature(m[3]))
              for m in re.finditer(r'\(import "([^"]*)" "([^"]*)" \(func(.*)\)\)', made)
              if not m[1].startswith('[export]')}
    rows = (ROOT / 'src/abi/generated/imports.c').read_text()
    ours = set(re.findall(r'\{"([^"]*)",\s*"([^"]*)",\s*"([^"]*)",', rows))
    return [f'core type differs: {row}' for row in sorted(theirs ^ ours)]


def main():
    text = (ROOT / 'wit/resolved.json').read_text()
    document = json.loads(text)
    problems = stale_files(document) + stale_json(text) + wrong_signatures()
    # The comparison itself can fail: another interface gives other files.
    document['interfaces'][0]['docs'] = {'contents': 'changed'}
    if not stale_files(document):
        problems.append('a changed interface was not noticed')
    if problems:
        sys.exit('\n'.join(problems + ['run: make bindings']))


if __name__ == '__main__':
    main()
