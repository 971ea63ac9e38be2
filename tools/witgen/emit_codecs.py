"""emit_codecs.py - static functions that lift and lower the types of one C file.

    load_T(guest, at, ret)      from guest memory at the canonical layout
    lift_T(guest, values, ret)  from core values; an enum: (guest, found, ret);
                                a list: (guest, address, len, ret);
                                a resource: (guest, handle, ret)
    put_T(guest, at, value)     into an image of guest memory

Each is written once, before the first one that needs it.
"""
from emit_types import constant
from model import Bytes, Enum, Handle, List, Option, Primitive, Record, Result, Unsupported, Variant
from text import address_of, call, chain, declare, fill, offset


class Memory:
    verb, parameter = 'load', 'const uint8_t *at'

    @staticmethod
    def scalar(type_, at):
        where = offset('at', at)
        if type_.size == 1:
            return f'at[{at}] != 0' if type_.c == 'bool' else f'at[{at}]'
        cast = f'({type_.c})' if type_.c.startswith('int') else ''
        return f'{cast}bhi_get_u{type_.size * 8}({where})'

    @staticmethod
    def tag(at):
        return f'at[{at}]'

    @staticmethod
    def word(at):
        return f"bhi_get_u32({offset('at', at)})"

    @classmethod
    def pair(cls, at):
        return [cls.word(at), cls.word(at + 4)]

    @staticmethod
    def here(at):
        return offset('at', at)

    @staticmethod
    def payload(type_):
        return type_.payload_at

    @staticmethod
    def fields(record):
        return record.offsets


class Flat:
    verb, parameter = 'lift', 'const bhi_core_value *values'
    MEMBERS = {'uint32_t': 'u32', 'int32_t': 'i32', 'uint64_t': 'u64', 'int64_t': 'i64'}

    @classmethod
    def scalar(cls, type_, at):
        if type_.c == 'bool':
            return f'values[{at}].u32 != 0'
        if type_.c in cls.MEMBERS:
            return f'values[{at}].{cls.MEMBERS[type_.c]}'
        return f'({type_.c})values[{at}].u32'

    @staticmethod
    def tag(at):
        return f'values[{at}].u32'

    word = tag

    @classmethod
    def pair(cls, at):
        return [cls.tag(at), cls.tag(at + 1)]

    @staticmethod
    def here(at):
        return offset('values', at)

    @staticmethod
    def payload(type_):
        return 1

    @staticmethod
    def fields(record):
        positions, at = [], 0
        for type_ in record.uses:
            positions.append(at)
            at += len(type_.flat)
        return positions


class Codecs:
    def __init__(self, interface):
        self.prefix = interface.short + '_'
        self.lines = []
        self.written = set()

    def local(self, type_):
        return type_.short.removeprefix(self.prefix)

    def define(self, name, parameters, body):
        self.lines += fill(f'static bool {name}(', parameters, ')') + ['{'] + body + ['}', '']

    def once(self, name):
        is_new = name not in self.written
        self.written.add(name)
        return is_new

    # ---- lifting ----

    def lift(self, type_, source, at, to, flag=None):
        """(assignments, checks) that set the lvalue `to` (and `flag`, for an option)."""
        if isinstance(type_, Primitive):
            return [f'{to} = {source.scalar(type_, at)};'], []
        if isinstance(type_, Bytes):
            return [], [(f'bhi_lift_{type_.short}',
                         ['guest'] + source.pair(at) + [address_of(to)])]
        if isinstance(type_, Handle):
            return [], [(self.borrow_lifter(type_),
                         ['guest', source.word(at), address_of(to)])]
        if isinstance(type_, Enum):
            return [], [(self.enum_lifter(type_), ['guest', source.tag(at), address_of(to)])]
        if isinstance(type_, List):
            return [], [(self.list_lifter(type_), ['guest'] + source.pair(at) + [address_of(to)])]
        if isinstance(type_, Option):
            name = self.option_lifter(type_, source)
            some, value = (flag, to) if flag else (f'{to}.is_some', f'{to}.value')
            return [], [(name, ['guest', source.here(at), address_of(some), address_of(value)])]
        name = (self.record_lifter(type_, source) if isinstance(type_, Record)
                else self.variant_lifter(type_, source))
        return [], [(name, ['guest', source.here(at), address_of(to)])]

    @staticmethod
    def body(assignments, checks):
        lines = ['    ' + assignment for assignment in assignments]
        return lines + (chain('    return', checks) if checks else ['    return true;'])

    def borrow_lifter(self, type_):
        name = 'lift_' + self.local(type_)
        if self.once(name):
            self.define(name, ['bhi_guest *guest', 'uint32_t handle', f'{type_.c}*ret'],
                        call(4, '*ret = bhi_lift_borrow',
                             ['guest', 'handle', type_.resource.constant], ';') +
                        ['    return *ret != NULL;'])
        return name

    def enum_lifter(self, type_):
        name = 'lift_' + self.local(type_)
        if self.once(name):
            body = ['    uint32_t tag;']
            body += call(4, 'if (!bhi_lift_case', ['guest', 'found', str(len(type_.cases)),
                                                  f'"{type_.wit_name}"', '&tag'], ')')
            body += ['        return false;', f'    *ret = ({type_.c})tag;', '    return true;']
            self.define(name, ['bhi_guest *guest', 'uint32_t found', f'{type_.c} *ret'], body)
        return name

    def list_lifter(self, type_):
        name = 'lift_' + self.local(type_)
        if not self.once(name):
            return name
        element = type_.element
        assignments, checks = self.lift(element, Memory, 0, 'data[i]')
        body = call(4, 'const uint8_t *at = bhi_lift_elements',
                    ['guest', 'address', 'len', str(element.size), str(element.align)], ';')
        body += ['    if (at == NULL)', '        return false;',
                 f"    {declare(element.c + ('*' if element.c.endswith('*') else ' *'), 'data')} ="
                 ' bhi_lift_array(guest, len, sizeof *data);',
                 '    if (data == NULL)', '        return false;',
                 f'    for (uint32_t i = 0; i < len; i++, at += {element.size}) {{']
        body += ['        ' + assignment for assignment in assignments]
        if checks:
            (check,) = checks
            body += [f"        if (!{check[0]}({', '.join(check[1])}))",
                     '            return false;']
        body += ['    }', f'    *ret = ({type_.c}){{data, len}};', '    return true;']
        self.define(name, ['bhi_guest *guest', 'uint32_t address', 'uint32_t len',
                           f'{type_.c} *ret'], body)
        return name

    def option_lifter(self, type_, source):
        name = f'{source.verb}_{self.local(type_)}'
        if not self.once(name):
            return name
        assignments, checks = self.lift(type_.payload, source, source.payload(type_), '*ret')
        body = [f'    if (!bhi_lift_is_some(guest, {source.tag(0)}, ret_is_some))',
                '        return false;']
        if checks:
            body += chain('    return !*ret_is_some ||', checks)
        else:
            body += ['    if (*ret_is_some)', '        ' + assignments[0], '    return true;']
        self.define(name, ['bhi_guest *guest', source.parameter, 'bool *ret_is_some',
                           declare(type_.payload.c + ' *', 'ret')], body)
        return name

    def record_lifter(self, type_, source):
        name = f'{source.verb}_{self.local(type_)}'
        if not self.once(name):
            return name
        assignments, checks = [], []
        for (field, used), at in zip(type_.fields, source.fields(type_)):
            some, more = self.lift(used, source, at, f'ret->{field}', f'ret->has_{field}')
            assignments += some
            checks += more
        self.define(name, ['bhi_guest *guest', source.parameter, f'{type_.c} *ret'],
                    self.body(assignments, checks))
        return name

    def variant_lifter(self, type_, source):
        name = f'{source.verb}_{self.local(type_)}'
        if not self.once(name):
            return name
        cases = []
        for case, payload in type_.cases:
            if payload is None:
                continue
            assignments, checks = self.lift(payload, source, source.payload(type_), f'ret->{case}')
            cases += [f'    case {constant(type_, case)}:']
            cases += ['    ' + line for line in self.body(assignments, checks)]
        body = ['    uint32_t tag;']
        body += call(4, 'if (!bhi_lift_case', ['guest', source.tag(0), str(len(type_.cases)),
                                              f'"{type_.wit_name}"', '&tag'], ')')
        body += ['        return false;', f'    ret->tag = ({type_.c}_tag)tag;',
                 '    switch (ret->tag) {'] + cases
        body += ['    default:', '        return true;', '    }']
        self.define(name, ['bhi_guest *guest', source.parameter, f'{type_.c} *ret'], body)
        return name

    # ---- lowering ----

    def put(self, type_, at, value, flag=None):
        """(assignments, checks) that put the C expression `value` into the image."""
        where = offset('at', at)
        if isinstance(type_, Primitive) or isinstance(type_, Enum):
            if type_.size == 1:
                cast = '(uint8_t)' if isinstance(type_, Enum) else ''
                return [f'at[{at}] = {cast}{value};'], []
            cast = f'(u{type_.c})' if type_.c.startswith('int') else ''
            return [f'bhi_put_u{type_.size * 8}({where}, {cast}{value});'], []
        if isinstance(type_, Bytes):
            return [], [('bhi_put_bytes', ['guest', where, value])]
        if isinstance(type_, Handle):
            return [], [('bhi_put_own', ['guest', where, type_.resource.constant, value])]
        if isinstance(type_, List):
            return [], [(self.list_putter(type_), ['guest', where, value])]
        if isinstance(type_, Option):
            some, payload = (flag, value) if flag else (f'{value}.is_some', f'{value}.value')
            if isinstance(type_.payload, (Record, Variant)):
                payload = address_of(payload)
            return [], [(self.option_putter(type_), ['guest', where, some, payload])]
        name = {Record: self.record_putter, Variant: self.variant_putter,
                Result: self.result_putter}[type(type_)](type_)
        return [], [(name, ['guest', where, address_of(value)])]

    def list_putter(self, type_):
        name = 'put_' + self.local(type_)
        if not self.once(name):
            return name
        element = type_.element
        assignments, checks = self.put(element, 0, 'list.data[i]')
        write = ('bhi_lower_write', ['guest', f'address + (uint32_t)i * {element.size}', 'at',
                                     'sizeof at', str(element.align)])
        body = ['    uint32_t address;']
        body += call(4, 'if (!bhi_put_list', ['guest', 'image', 'list.len', str(element.size),
                                             str(element.align), '&address'], ')')
        body += ['        return false;', '    for (size_t i = 0; i < list.len; i++) {',
                 f'        uint8_t at[{element.size}] = {{0}};']
        body += ['        ' + assignment for assignment in assignments]
        body += chain('        bool is_written =', checks + [write])
        body += ['        if (!is_written)', '            return false;', '    }',
                 '    return true;']
        self.define(name, ['bhi_guest *guest', 'uint8_t *image', f'{type_.c} list'], body)
        return name

    def option_putter(self, type_):
        name = 'put_' + self.local(type_)
        if not self.once(name):
            return name
        payload = type_.payload
        is_pointed = isinstance(payload, (Record, Variant))
        value = '*value' if is_pointed else 'value'
        assignments, checks = self.put(payload, type_.payload_at, value)
        body = ['    at[0] = is_some;']
        if checks:
            body += chain('    return !is_some ||', checks)
        else:
            body += ['    if (is_some)', '        ' + assignments[0], '    return true;']
        parameter = f'const {payload.c} *value' if is_pointed else declare(payload.c, 'value')
        self.define(name, ['bhi_guest *guest', 'uint8_t *at', 'bool is_some', parameter],
                    body)
        return name

    def record_putter(self, type_):
        name = 'put_' + self.local(type_)
        if not self.once(name):
            return name
        assignments, checks = [], []
        for (field, used), at in zip(type_.fields, type_.offsets):
            some, more = self.put(used, at, f'value->{field}', f'value->has_{field}')
            assignments += some
            checks += more
        self.define(name, ['bhi_guest *guest', 'uint8_t *at', f'const {type_.c} *value'],
                    self.body(assignments, checks))
        return name

    def variant_putter(self, type_):
        name = 'put_' + self.local(type_)
        if not self.once(name):
            return name
        body = ['    at[0] = (uint8_t)value->tag;', '    switch (value->tag) {']
        for case, payload in type_.cases:
            if payload is None:
                continue
            assignments, checks = self.put(payload, type_.payload_at, f'value->{case}')
            body += [f'    case {constant(type_, case)}:']
            body += ['    ' + line for line in self.body(assignments, checks)]
        body += ['    default:', '        return true;', '    }']
        self.define(name, ['bhi_guest *guest', 'uint8_t *at', f'const {type_.c} *value'], body)
        return name

    def result_putter(self, type_):
        name = 'put_' + self.local(type_)
        if not self.once(name):
            return name
        ok, error = ([], []), self.put(type_.error, type_.payload_at, 'value->error')
        if type_.ok is not None:
            ok = self.put(type_.ok, type_.payload_at, 'value->ok')
        body = ['    at[0] = !value->is_ok;', '    if (!value->is_ok)']
        body += ['    ' + line for line in self.body(*error)] + self.body(*ok)
        if error[0]:
            raise Unsupported('an error that is an enum')
        self.define(name, ['bhi_guest *guest', 'uint8_t *at', f'const {type_.c} *value'], body)
        return name
