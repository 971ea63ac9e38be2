"""emit_stub.py - a host for tests that provides every function.

Each stub reads every byte of its arguments and answers with a random value of its type, so that a
sanitizer sees what the bindings got wrong.
"""
from emit_types import constant, host_parameters, passed, provided
from model import Bytes, Enum, Handle, List, Option, Primitive, Record, Result, Variant
from text import address_of, declare, fill, finish


class Stub:
    def __init__(self):
        self.lines, self.written = [], set()

    def define(self, name, parameters, body):
        self.lines += fill(f'static void {name}(', parameters, ')') + ['{'] + body + ['}', '']

    def once(self, name):
        is_new = name not in self.written
        self.written.add(name)
        return is_new

    # ---- reading an argument ----

    def use(self, type_, value):
        """Statements that read the C expression `value`."""
        if isinstance(type_, Primitive):
            return [f'fake_use_number((uint64_t){value});']
        if isinstance(type_, Enum):
            return [f'BHI_ASSERT((unsigned){value} < {len(type_.cases)});']
        if isinstance(type_, Bytes):
            return [f'fake_use_{type_.short}({value});']
        if isinstance(type_, Handle):
            return [f'fake_use_object({value}, {type_.resource.constant});']
        if isinstance(type_, Option):
            return [f'if ({value}.is_some) {{'] + self.indent(
                self.use(type_.payload, f'{value}.value')) + ['}']
        if isinstance(type_, List):
            return [f'for (size_t i = 0; i < {value}.len; i++) {{'] + self.indent(
                self.use(type_.element, f'{value}.data[i]')) + ['}']
        return [f'{self.user(type_)}({address_of(value)});']

    @staticmethod
    def indent(lines):
        return ['    ' + line for line in lines]

    def user(self, type_):
        name = 'use_' + type_.short
        if not self.once(name):
            return name
        body = []
        if isinstance(type_, Record):
            for field, used in type_.fields:
                if isinstance(used, Option):
                    body += [f'if (value->has_{field}) {{'] + self.indent(
                        self.use(used.payload, f'value->{field}')) + ['}']
                else:
                    body += self.use(used, f'value->{field}')
        else:
            body.append(f'BHI_ASSERT((unsigned)value->tag < {len(type_.cases)});')
            for case, payload in type_.cases:
                if payload:
                    body += [f'if (value->tag == {constant(type_, case)}) {{'] + self.indent(
                        self.use(payload, f'value->{case}')) + ['}']
        self.define(name, [f'const {type_.c} *value'], self.indent(body))
        return name

    # ---- making a result ----

    def make(self, type_, to):
        """Statements that set the lvalue `to` to a random value."""
        if isinstance(type_, Primitive):
            return [f'{to} = ({type_.c})fake_random();']
        if isinstance(type_, Enum):
            return [f'{to} = ({type_.c})(fake_random() % {len(type_.cases)});']
        if isinstance(type_, Bytes):
            return [f'{to} = fake_make_bytes(guest);']
        if isinstance(type_, Handle):
            return [f'{to} = fake_make_object({type_.resource.constant});']
        if isinstance(type_, Option):
            return self.make_option(type_, f'{to}.is_some', f'{to}.value')
        return [f'{self.maker(type_)}(guest, {address_of(to)});']

    def make_option(self, type_, some, value):
        return [f'{some} = fake_random() % 2 == 0;', f'if ({some}) {{'] + self.indent(
            self.make(type_.payload, value)) + ['}']

    def maker(self, type_):
        name = 'make_' + type_.short
        if not self.once(name):
            return name
        if isinstance(type_, List):
            body = ['size_t len = fake_random() % 4;',
                    declare(type_.element.c + ' *', 'data') +
                    ' = bhi_arena_calloc(&guest->arena, len, sizeof *data);',
                    'for (size_t i = 0; data != NULL && i < len; i++) {']
            body += self.indent(self.make(type_.element, 'data[i]'))
            body += ['}', f'*ret = ({type_.c}){{data, data == NULL ? 0 : len}};']
        elif isinstance(type_, Record):
            body = []
            for field, used in type_.fields:
                if isinstance(used, Option):
                    body += self.make_option(used, f'ret->has_{field}', f'ret->{field}')
                else:
                    body += self.make(used, f'ret->{field}')
        elif isinstance(type_, Result):
            body = ['ret->is_ok = fake_random() % 4 != 0;', 'if (!ret->is_ok) {']
            body += self.indent(self.make(type_.error, 'ret->error'))
            body += ['    return;', '}'] + (self.make(type_.ok, 'ret->ok') if type_.ok else [])
        else:
            body = [f'ret->tag = ({type_.c}_tag)(fake_random() % {len(type_.cases)});']
            for case, payload in type_.cases:
                if payload:
                    body += [f'if (ret->tag == {constant(type_, case)}) {{'] + self.indent(
                        self.make(payload, f'ret->{case}')) + ['}']
        self.define(name, ['bhi_guest *guest', f'{type_.c} *ret'], self.indent(body))
        return name

    # ---- the functions ----

    def function(self, interface, function):
        body = []
        for name, type_ in function.params:
            value = f'(*{name})' if passed(type_, name).startswith('const ') else name
            body += (self.use(type_, '*' + name) if value != name else self.use(type_, name))
        body.append('if (!fake_host_answers(guest))')
        body.append('    return false;')
        if function.result:
            body += self.make(function.result, '*ret')
        return (fill(f'static bool {interface.short}__{function.name}(',
                     host_parameters(function), ')') + ['{'] + self.indent(body) +
                ['    return true;', '}', ''])


def stub_source(model):
    stub, functions, tables = Stub(), [], []
    for interface in provided(model):
        short = interface.short
        tables.append(f'static const bhi_{short}_host {short}_host = {{')
        tables += [f'    .{r.local}_drop = fake_drop_object,' for r in interface.resources]
        for function in interface.functions:
            functions += stub.function(interface, function)
            tables += fill(f'    .{function.name} = ', [f'{short}__{function.name}'], ',')
        tables += ['};', '']
    interfaces = provided(model)
    lines = ['/* support/stub_host.c - a host for tests that provides every function: it reads '
             'all it is given and',
             ' * answers with random values.', ' *',
             ' * Made by tools/witgen from wit/; do not edit. */', '/* clang-format off */',
             '#include "support/stub_host.h"', '']
    tables += ['const bhi_host_table stub_host = {']
    tables += [f'    .{interface.short} = &{interface.short}_host,' for interface in interfaces]
    return finish(lines + stub.lines + functions + tables + ['};'])
