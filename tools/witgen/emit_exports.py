"""emit_exports.py - calling a guest's exports: arguments in, results out.

The caller allocates each string or list of bytes with the guest's realloc (alignment 1) and hands
over the addresses; a result in memory comes as the address that the export returned.
"""
from emit_codecs import Codecs, Memory
from model import Interface, Unsupported
from text import chain, comment, fill, finish, header_open, source_open


def lower_parameters(function):
    for name, type_ in function.params:
        if not type_.is_bytes:
            raise Unsupported(f'parameter {name} of export {function.wit_name}')
    return (['bhi_guest *guest'] + [f'bhi_bytes {name}' for name, _ in function.params] +
            [f'uint32_t {name}_address' for name, _ in function.params])


def lower_prototype(function):
    return fill(f'bool bhi_lower_{function.name}(', lower_parameters(function), ')')


def lift_prototype(model, function):
    if not function.result_by_pointer:
        raise Unsupported(f'the result of export {function.wit_name}')
    return fill(f'bool bhi_lift_{function.name}(',
                ['bhi_guest *guest', 'uint32_t result_address',
                 f'{public_name(model, function.result)} *ret'], ')')


def public_name(model, type_):
    """The world's own name of a type, if it uses it."""
    for name, aliased in model.aliases:
        if aliased is type_:
            return 'bhi_' + name
    return type_.c


def prototype(lines):
    return lines[:-1] + [lines[-1] + ';']


def exports_header(model):
    lines = header_open('generated/exports.h', "calling a guest's exports.")
    owners = sorted({aliased.owner.short for _, aliased in model.aliases})
    lines += [f'#include "abi/generated/{owner}.h"' for owner in owners] + ['']
    lines += [f'typedef {aliased.c} bhi_{name};' for name, aliased in model.aliases] + ['']
    for function in model.exports:
        lines += comment(0, function.docs)
        upper = function.name.upper()
        lines += [f'#define BHI_EXPORT_{upper} "{function.wit_name}"',
                  f'#define BHI_EXPORT_{upper}_SIGNATURE "{function.signature(True)}"', '']
    for function in model.exports:
        if function.params:
            lines += ["/* Copy the arguments to addresses that the guest's realloc returned. */"]
            lines += prototype(lower_prototype(function)) + ['']
        if function.result:
            lines += ['/* The result at an address that the export returned: views into guest '
                      'memory (G3). */']
            lines += prototype(lift_prototype(model, function)) + ['']
    return finish(lines + ['#endif'])


def exports_source(model):
    codecs = Codecs(Interface('', 'world', None))
    codecs.prefix = 'lifecycle_'
    functions = []
    for function in model.exports:
        if function.params:
            writes = [('bhi_lower_write', ['guest', f'{name}_address', f'{name}.data',
                                           f'{name}.len', '1']) for name, _ in function.params]
            functions += lower_prototype(function) + ['{'] + chain('    return', writes) + ['}', '']
        if function.result:
            result = function.result
            assignments, checks = codecs.lift(result, Memory, 0, '*ret')
            functions += lift_prototype(model, function) + [
                '{', '    guest->lifted_text_bytes = 0;',
                f'    const uint8_t *at = bhi_guest_readable(guest, result_address, '
                f'{result.size}, {result.align});',
                f'    *ret = ({public_name(model, result)}){{0}};']
            functions += chain('    return', ['at != NULL'] + checks) + ['}', '']
    lines = source_open('generated/exports.c', "lowering and lifting for a guest's exports.")
    lines += ['#include "abi/generated/exports.h"', '', '#include "abi/lift.h"',
              '#include "abi/lower.h"', '']
    return finish(lines + codecs.lines + functions[:-1])
