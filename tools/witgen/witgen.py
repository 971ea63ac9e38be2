#!/usr/bin/env python3
"""witgen - C host bindings from WIT.

Reads the JSON that `wasm-tools component wit wit --json` prints (wit/resolved.json in the tree) and
writes src/abi/generated and the stub host of the tests below a directory:

    tools/witgen/witgen.py wit/resolved.json .

The output depends on the JSON alone. tools/witgen/regenerate makes both.
"""
import json
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import emit_exports  # noqa: E402
import emit_imports  # noqa: E402
import emit_stub  # noqa: E402
import emit_types  # noqa: E402
from model import Model, Unsupported, check_names  # noqa: E402


def generate(document):
    """{path: text} of every generated file."""
    model = Model(document)
    check_names(model)
    generated = {
        'resources.h': emit_types.resources_header(model),
        'resources.c': emit_types.resources_source(model),
        'types.h': emit_types.types_header(model),
        'host.h': emit_types.host_header(model),
        'imports.h': emit_imports.imports_header(model),
        'imports.c': emit_imports.imports_source(model),
        'exports.h': emit_exports.exports_header(model),
        'exports.c': emit_exports.exports_source(model),
    }
    for interface in model.interfaces:
        generated[f'{interface.short}.h'] = emit_types.interface_header(interface)
        if interface.functions or interface.resources:
            generated[f'{interface.short}.c'] = emit_imports.interface_source(interface)
    files = {f'src/abi/generated/{name}': text for name, text in generated.items()}
    files['tests/support/stub_host.c'] = emit_stub.stub_source(model)
    return files


def main():
    if len(sys.argv) != 3:
        sys.exit('usage: witgen.py RESOLVED.json DIRECTORY')
    document = json.loads(pathlib.Path(sys.argv[1]).read_text())
    try:
        files = generate(document)
    except Unsupported as error:
        sys.exit(f'witgen: {sys.argv[1]}: not supported: {error}')
    for path, text in files.items():
        target = pathlib.Path(sys.argv[2]) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


if __name__ == '__main__':
    main()
