"""emit_types.py - headers: types in C, and the table of functions that a host provides.

string and list<u8> are bhi_bytes; list<T> is {data, len}; option<T> is {is_some, value}, but a
field of a record becomes two, has_x and x; a variant is a tag and the payloads of its cases; a
result is {is_ok, ok | error}; a resource is a pointer to a struct that the host defines.
"""
from model import Enum, Handle, List, Option, Record, Result, Variant
from text import comment, declare, fill, finish, header_open, source_open


def constant(type_, case):
    return f'{type_.c}_{case}'.upper().removesuffix('_')


def field_lines(name, type_):
    if isinstance(type_, Option):
        return [f'    bool has_{name};', f'    {declare(type_.payload.c, name)};']
    return [f'    {declare(type_.c, name)};']


def record_body(type_):
    return [line for name, field in type_.fields for line in field_lines(name, field)]


def enum_body(type_):
    return [f'    {constant(type_, name)},' for name, _ in type_.cases]


def variant_body(type_):
    payloads = [declare(payload.c, name) for name, payload in type_.cases if payload]
    if len(payloads) == 1:
        return [f'    {type_.c}_tag tag;', f'    {payloads[0]};']
    return ([f'    {type_.c}_tag tag;', '    union {'] +
            [f'        {payload};' for payload in payloads] + ['    };'])


def result_body(type_):
    error = declare(type_.error.c, 'error')
    if type_.ok is None:
        return ['    bool is_ok;', f'    {error};']
    return ['    bool is_ok;', '    union {', f"        {declare(type_.ok.c, 'ok')};",
            f'        {error};', '    };']


def type_lines(type_):
    """The definition of one type, or nothing for what C has already."""
    if isinstance(type_, Handle):
        return []
    lines = comment(0, type_.docs)
    if isinstance(type_, Enum):
        return lines + [f'typedef enum {type_.c} {{'] + enum_body(type_) + [f'}} {type_.c};', '']
    if isinstance(type_, Variant):
        lines += ([f'typedef enum {type_.c}_tag {{'] + enum_body(type_) +
                  [f'}} {type_.c}_tag;', ''])
        body = variant_body(type_)
    elif isinstance(type_, Record):
        body = record_body(type_)
    elif isinstance(type_, Result):
        body = result_body(type_)
    elif isinstance(type_, Option):
        body = ['    bool is_some;', f"    {declare(type_.payload.c, 'value')};"]
    elif isinstance(type_, List):
        element = type_.element.c
        data = f'{element}const *data' if element.endswith('*') else f'const {element} *data'
        body = [f'    {data};', '    size_t len;']
    return lines + [f'typedef struct {type_.c} {{'] + body + [f'}} {type_.c};', '']


def passed(type_, name):
    """How a host function takes a parameter: records and variants by pointer."""
    if isinstance(type_, (Record, Variant)):
        return f'const {type_.c} *{name}'
    return declare(type_.c, name)


def host_parameters(function):
    parameters = ['bhi_guest *guest'] + [passed(type_, name) for name, type_ in function.params]
    if function.result:
        parameters.append(declare(function.result.c + ('*' if function.result.c.endswith('*')
                                                       else ' *'), 'ret'))
    return parameters


def host_struct(interface):
    lines = comment(0, interface.docs)
    lines.append(f'typedef struct bhi_{interface.short}_host {{')
    for resource in interface.resources:
        lines.append(f'    void (*{resource.local}_drop)(void *{resource.local});')
    for function in interface.functions:
        lines += comment(4, function.docs)
        lines += fill(f'    bool (*{function.name})(', host_parameters(function), ');')
    return lines + [f'}} bhi_{interface.short}_host;', '']


def interface_header(interface):
    about = f'the types and host functions of {interface.module}.'
    lines = header_open(f'generated/{interface.short}.h', about)
    lines += ['#include "abi/generated/types.h"', '']
    for type_ in interface.types:
        lines += type_lines(type_)
    if interface.functions:
        lines += host_struct(interface)
    return finish(lines + ['#endif'])


def types_header(model):
    lines = header_open('generated/types.h', 'options and lists that belong to no interface.')
    lines += ['#include "abi/generated/resources.h"', '#include "abi/guest.h"', '']
    for type_ in model.shared:
        lines += type_lines(type_)
    return finish(lines + ['#endif'])


def all_resources(model):
    return [(interface, resource) for interface in model.interfaces
            for resource in interface.resources]


def resources_header(model):
    lines = header_open('generated/resources.h', 'the types of host objects that a guest can hold.')
    lines += ['/* The host defines these structs. */']
    lines += [f'typedef struct {resource.c} {resource.c};' for _, resource in all_resources(model)]
    lines += ['', 'typedef enum bhi_resource {']
    lines += [f'    {resource.constant},' for _, resource in all_resources(model)]
    lines += ['    BHI_RESOURCE_COUNT', '} bhi_resource;', '',
              'typedef void (*bhi_resource_drop_fn)(void *rep);', '',
              '/* "astrid:io/poll@1.0.0#pollable" */',
              'extern const char *const bhi_resource_names[BHI_RESOURCE_COUNT];', '',
              'struct bhi_host_table;', '',
              '/* How the host drops an object of this type, or NULL when it provides none. */',
              'bhi_resource_drop_fn bhi_resource_drop(const struct bhi_host_table *host, '
              'bhi_resource type);', '']
    return finish(lines + ['#endif'])


def resources_source(model):
    lines = source_open('generated/resources.c', 'names and drops of resource types.')
    lines += ['#include "abi/generated/resources.h"', '', '#include <stddef.h>', '',
              '#include "abi/generated/host.h"', '',
              'const char *const bhi_resource_names[BHI_RESOURCE_COUNT] = {']
    lines += [f'    [{resource.constant}] = "{resource.wit_name}",'
              for _, resource in all_resources(model)]
    lines += ['};', '',
              'bhi_resource_drop_fn bhi_resource_drop(const bhi_host_table *host, '
              'bhi_resource type)', '{', '    switch (type) {']
    for interface, resource in all_resources(model):
        member = f'host->{interface.short}'
        lines += [f'    case {resource.constant}:',
                  f'        return {member} == NULL ? NULL : {member}->{resource.local}_drop;']
    lines += ['    case BHI_RESOURCE_COUNT:', '        break;', '    }', '    return NULL;', '}']
    return finish(lines)


def provided(model):
    return [interface for interface in model.interfaces if interface.functions]


HOST_RULES = '''\
/* A host function returns false when the guest must trap (bhi_guest_trap says why). Otherwise it
 * fills *ret, which begins as zero bytes; what *ret points to lives in guest->arena or longer, its
 * text is UTF-8. Arguments are views into guest memory or the arena: what must outlive a suspend is
 * copied first (G3). Objects behind handles live at least until the call returns.
 *
 * A NULL interface or function is not provided: calling it traps and names it. A host that hands
 * out a resource provides its drop, which is called once for each object handed out.
 *
 * refuse_drop (NULL: never) says why a guest may not drop an object now, as it has children, or
 * NULL: it traps with that text. The end of a lease does not ask: it drops the newest first. */\
'''.split('\n')


def host_header(model):
    lines = header_open('generated/host.h', 'everything that a host may provide to guests.')
    lines += [f'#include "abi/generated/{interface.short}.h"' for interface in provided(model)]
    lines += [''] + HOST_RULES + [
              'typedef struct bhi_host_table {']
    lines += [f'    const bhi_{interface.short}_host *{interface.short};'
              for interface in provided(model)]
    lines += ['    const char *(*refuse_drop)(bhi_resource type, const void *rep);']
    return finish(lines + ['} bhi_host_table;', '', '#endif'])
