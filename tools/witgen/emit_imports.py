"""emit_imports.py - one C function for every import, and the table of them.

Each one checks that it may be called and is provided, lifts the parameters, checks the result area,
calls the host function, and lowers the result.
"""
from emit_codecs import Codecs, Flat, Memory
from emit_types import provided
from model import Enum, Handle, Primitive, Record, Unsupported, Variant
from text import chain, declare, fill, finish, header_open, source_open

IMPORT_PARAMETERS = ['bhi_guest *guest', 'bhi_core_value *values']


def symbol(interface, name):
    return f"bhi_import_{interface.short}_{name.removeprefix(interface.short + '_')}"


def zero_of(type_):
    return 'NULL' if isinstance(type_, Handle) else '0' if isinstance(type_, (Primitive, Enum)) \
        else '{0}'


def local_lines(function):
    """Declarations of what is lifted and answered; a flat number is declared where it is set."""
    lines = [f'    {declare(type_.c, name)} = {zero_of(type_)};'
             for name, type_ in function.params
             if function.params_by_pointer or not isinstance(type_, Primitive)]
    if function.result:
        lines.append(f"    {declare(function.result.c, 'ret')} = {zero_of(function.result)};")
    if function.result_by_pointer:
        lines.append(f'    uint8_t area[{function.result.size}] = {{0}};')
    return lines


def lifts(codecs, function):
    """(lines before the chain, checks of the chain)"""
    lines, checks, at = [], [], 0
    if function.params_by_pointer:
        parameters = Record(function.params)
        lines = [f'    const uint8_t *at = bhi_guest_readable(guest, values[0].u32, '
                 f'{parameters.size}, {parameters.align});']
        checks = ['at != NULL']
    for i, (name, type_) in enumerate(function.params):
        if function.params_by_pointer:
            some, more = codecs.lift(type_, Memory, parameters.offsets[i], name)
            if some:
                raise Unsupported('a scalar among parameters by pointer')
        else:
            some, more = codecs.lift(type_, Flat, at, name)
            lines += [f"    {declare(type_.c, '')}{line}" for line in some]
            at += len(type_.flat)
        checks += more
    return lines, checks


def host_call(function):
    arguments = ['guest'] + ['&' + name if isinstance(type_, (Record, Variant)) else name
                             for name, type_ in function.params]
    return (f'ours->{function.name}', arguments + (['&ret'] if function.result else []))


def lower_area(codecs, function):
    """Checks before and after the host call, for a result that goes to memory."""
    result = function.result
    address = f'values[{len(function.core_params)}].u32'
    before = ('bhi_lower_check_area', ['guest', address, 'sizeof area', str(result.align)])
    assignments, checks = codecs.put(result, 0, 'ret')
    checks = [(name, ['area' if argument == 'at' else argument for argument in arguments])
              for name, arguments in checks]
    if assignments:
        raise Unsupported('a scalar result in memory')
    after = ('bhi_lower_write', ['guest', address, 'area', 'sizeof area', str(result.align)])
    return before, checks + [after]


def lower_value(function):
    """(checks, lines after the chain) for a result that is one core value."""
    result = function.result
    if isinstance(result, Handle):
        return [('bhi_lower_own', ['guest', result.resource.constant, 'ret',
                                   '&values[0].u32'])], []
    if not isinstance(result, Primitive):
        raise Unsupported(f'result {result.short} in a core value')
    member = 'u64' if result.flat == ['I'] else 'u32'
    cast = f"(u{result.c})" if result.c.startswith('int') else ''
    return [], ['    if (is_done)', f'        values[0].{member} = {cast}ret;']


def function_lines(codecs, interface, function):
    lift_lines, checks = lifts(codecs, function)
    tail = []
    declarations = local_lines(function)
    if function.result_by_pointer:
        before, after = lower_area(codecs, function)
        checks += [before, host_call(function)] + after
    elif function.result:
        after, tail = lower_value(function)
        checks += [host_call(function)] + after
    else:
        checks.append(host_call(function))
    begin = fill('    if (!bhi_guest_begin_import(',
                 ['guest', f'"{interface.module}#{function.wit_name}"',
                  f'ours != NULL && ours->{function.name} != NULL'], '))')
    short = interface.short
    return (fill(f'bool {symbol(interface, function.name)}(', IMPORT_PARAMETERS, ')') +
            ['{', f'    const bhi_{short}_host *ours = guest->host == NULL ? NULL : '
             f'guest->host->{short};'] + begin + ['        return false;'] + declarations +
            lift_lines + chain('    bool is_done =', checks) + tail +
            ['    bhi_guest_end_import(guest);', '    return is_done;', '}', ''])


def drop_lines(interface, resource):
    call = fill('    return bhi_lift_drop(',
                ['guest', 'values[0].u32', resource.constant,
                 f'"{interface.module}#[resource-drop]{resource.wit_name.split("#")[1]}"'], ');')
    return (fill(f'bool {symbol(interface, resource.local)}_drop(', IMPORT_PARAMETERS, ')') +
            ['{'] + call + ['}', ''])


def interface_source(interface):
    codecs = Codecs(interface)
    functions = []
    for function in interface.functions:
        functions += function_lines(codecs, interface, function)
    for resource in interface.resources:
        functions += drop_lines(interface, resource)
    lines = source_open(f'generated/{interface.short}.c', f'imports of {interface.module}.')
    lines += ['#include "abi/generated/host.h"', '#include "abi/generated/imports.h"',
              '#include "abi/lift.h"', '#include "abi/lower.h"', '']
    return finish(lines + codecs.lines + functions[:-1])


def rows(model):
    """(module, name, signature, symbol), sorted as bytes."""
    found = []
    for interface in model.interfaces:
        for function in interface.functions:
            found.append((interface.module, function.wit_name, function.signature(False),
                          symbol(interface, function.name)))
        for resource in interface.resources:
            name = '[resource-drop]' + resource.wit_name.split('#')[1]
            found.append((interface.module, name, 'i:',
                          symbol(interface, resource.local) + '_drop'))
    symbols = [row[3] for row in found]
    for name in symbols:
        if symbols.count(name) > 1:
            raise Unsupported(f'two imports named {name}')
    return sorted(found)


def imports_header(model):
    lines = header_open('generated/imports.h', 'the function behind each import.')
    lines += ['#include "abi/guest.h"', '']
    for row in rows(model):
        lines += fill(f'bool {row[3]}(', IMPORT_PARAMETERS, ');')
    return finish(lines + ['', '#endif'])


def imports_source(model):
    lines = source_open('generated/imports.c', 'the table of all imports.')
    lines += ['#include "abi/generated/imports.h"', '', '#include "abi/import.h"', '',
              'const bhi_import bhi_imports[] = {']
    for module, name, signature, function in rows(model):
        lines += fill('    {', [f'"{module}"', f'"{name}"', f'"{signature}"', function], '},')
    lines += ['};', '', 'const size_t bhi_imports_count = '
              'sizeof bhi_imports / sizeof bhi_imports[0];', '',
              'const char *const bhi_interfaces[] = {']
    lines += [f'    "{module}",' for module in sorted(i.module for i in model.interfaces)]
    return finish(lines + ['};', '', 'const size_t bhi_interfaces_count = '
                           'sizeof bhi_interfaces / sizeof bhi_interfaces[0];'])
