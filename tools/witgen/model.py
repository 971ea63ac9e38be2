"""model.py - the interfaces as data: what `wasm-tools component wit --json` printed, resolved.

Layout follows the canonical ABI: size, alignment and flattened core types of every type. What the
ABI of capsules does not use (floats, chars, flags, tuples, owned parameters, ...) is refused by
name instead of being generated untested.
"""

PRIMITIVES = {  # WIT: C type, size, core type
    'bool': ('bool', 1, 'i'),
    'u8': ('uint8_t', 1, 'i'),
    'u16': ('uint16_t', 2, 'i'),
    'u32': ('uint32_t', 4, 'i'),
    'u64': ('uint64_t', 8, 'I'),
    's32': ('int32_t', 4, 'i'),
    's64': ('int64_t', 8, 'I'),
}
FLAT_PARAMS_MAX = 16
C_RESERVED = {'auto', 'break', 'case', 'char', 'const', 'continue', 'default', 'do', 'double',
              'else', 'enum', 'extern', 'float', 'for', 'goto', 'if', 'inline', 'int', 'long',
              'register', 'restrict', 'return', 'short', 'signed', 'sizeof', 'static', 'struct',
              'switch', 'typedef', 'union', 'unsigned', 'void', 'volatile', 'while',
              'stdin', 'stdout', 'stderr'}  # the last three are macros


class Unsupported(Exception):
    pass


def snake(name):
    name = name.replace('-', '_')
    return name + '_' if name in C_RESERVED else name


def align_to(offset, align):
    return (offset + align - 1) // align * align


def join(a, b):
    """The core type that holds either of two."""
    return a if a == b else 'i' if {a, b} == {'i', 'f'} else 'I'


class Type:
    """One WIT type. `short` is its name without the bhi_ of C; `owner` its interface or None."""

    is_bytes = False     # {address, length} of single bytes: string, list<u8>
    is_scalar = False    # read and written by plain assignment
    uses = ()            # types it is made of
    owner = None
    docs = None

    @property
    def c(self):
        return 'bhi_' + self.short


class Primitive(Type):
    is_scalar = True

    def __init__(self, wit):
        if wit not in PRIMITIVES:
            raise Unsupported(f'type {wit}')
        self.short = wit
        self.c_type, self.size, core = PRIMITIVES[wit]
        self.align, self.flat = self.size, [core]

    @property
    def c(self):
        return self.c_type


class Bytes(Type):
    is_bytes = True
    size, align, flat = 8, 4, ['i', 'i']

    def __init__(self, is_text):
        self.is_text = is_text
        self.short = 'text' if is_text else 'bytes'

    @property
    def c(self):
        return 'bhi_bytes'


class List(Type):
    size, align, flat = 8, 4, ['i', 'i']

    def __init__(self, element):
        self.element, self.uses, self.owner = element, (element,), element.owner
        self.short = element.short + '_list'


class Option(Type):
    def __init__(self, payload):
        if isinstance(payload, Option):
            raise Unsupported('option of option')
        self.payload, self.uses, self.owner = payload, (payload,), payload.owner
        self.short = payload.short + '_option'
        self.align = payload.align
        self.payload_at = self.align
        self.size = align_to(self.payload_at + payload.size, self.align)
        self.flat = ['i'] + payload.flat


class Cased(Type):
    """A type with a discriminant of one byte and cases of (name, Type or None)."""

    def layout_cases(self, cases):
        if len(cases) > 256:
            raise Unsupported('more than 256 cases')
        self.cases = cases
        payloads = [payload for _, payload in cases if payload]
        self.uses = tuple(payloads)
        self.align = max([1] + [p.align for p in payloads])
        self.payload_at = self.align
        self.size = align_to(self.payload_at + max([0] + [p.size for p in payloads]), self.align)
        if not payloads:
            self.payload_at, self.size = 1, 1
        joined = []
        for payload in payloads:
            for i, core in enumerate(payload.flat):
                if i < len(joined):
                    joined[i] = join(joined[i], core)
                else:
                    joined.append(core)
        self.flat = ['i'] + joined


class Enum(Cased):
    is_scalar = False

    def __init__(self, names):
        self.layout_cases([(name, None) for name in names])


class Variant(Cased):
    def __init__(self, cases):
        self.layout_cases(cases)


class Result(Cased):
    def __init__(self, ok, error, short, owner):
        self.ok, self.error, self.short, self.owner = ok, error, short, owner
        self.layout_cases([('ok', ok), ('error', error)])


class Record(Type):
    def __init__(self, fields):
        self.fields = fields
        self.uses = tuple(type_ for _, type_ in fields)
        self.align = max(type_.align for type_ in self.uses)
        self.offsets, self.flat, at = [], [], 0
        for type_ in self.uses:
            at = align_to(at, type_.align)
            self.offsets.append(at)
            at += type_.size
            self.flat += type_.flat
        self.size = align_to(at, self.align)


class Resource(Type):
    @property
    def constant(self):
        return 'BHI_RESOURCE_' + self.short.upper()


class Handle(Type):
    """own<T> or borrow<T>: in C a pointer to the host's object."""

    size, align, flat = 4, 4, ['i']

    def __init__(self, resource, is_own):
        self.resource, self.is_own, self.uses = resource, is_own, (resource,)
        self.owner, self.short = resource.owner, resource.short

    @property
    def c(self):
        return self.resource.c + ' *'


class Function:
    def __init__(self, wit_name, params, result, docs):
        self.wit_name, self.params, self.result, self.docs = wit_name, params, result, docs
        plain = wit_name.removeprefix('[method]').replace('.', '-')
        if '[' in plain:
            raise Unsupported(f'function {wit_name}')
        self.name = snake(plain)
        flat = [core for _, type_ in params for core in type_.flat]
        self.params_by_pointer = len(flat) > FLAT_PARAMS_MAX
        self.core_params = ['i'] if self.params_by_pointer else flat
        self.result_by_pointer = result is not None and len(result.flat) > 1
        self.core_results = [] if result is None or self.result_by_pointer else result.flat

    def signature(self, is_export):
        params, results = list(self.core_params), list(self.core_results)
        if self.result_by_pointer and is_export:
            results = ['i']
        elif self.result_by_pointer:
            params.append('i')
        return ''.join(params) + ':' + ''.join(results)


class Interface:
    def __init__(self, module, short, docs):
        self.module, self.short, self.docs = module, short, docs
        self.types, self.resources, self.functions = [], [], []


class Model:
    """Every interface of the world, its types in order of dependence, and the world's exports."""

    def __init__(self, document):
        self.document = document
        self.interned = {}
        self.by_id = {}
        self.shared = []  # anonymous types that belong to no interface: option<u64>, list<string>
        self.interfaces = [self.make_interface(i) for i in document['interfaces']]
        for interface, raw in zip(self.interfaces, document['interfaces']):
            self.fill(interface, raw)
        world, = document['worlds']
        self.aliases = [(snake(name), self.type_of(item['type']))
                        for name, item in world['imports'].items() if 'type' in item]
        self.exports = [self.make_function(item['function'])
                        for item in world['exports'].values()]
        self.interfaces.sort(key=lambda interface: interface.short)

    def make_interface(self, raw):
        package, version = self.document['packages'][raw['package']]['name'].split('@')
        name = raw['name']
        short = package.split(':')[1] if name == 'host' else name
        return Interface(f'{package}/{name}@{version}', snake(short), docs_of(raw))

    def fill(self, interface, raw):
        for type_id in raw['types'].values():
            type_ = self.type_of(type_id)
            if isinstance(type_, Resource) and type_.owner is interface:
                interface.resources.append(type_)
        for item in raw['functions'].values():
            interface.functions.append(self.make_function(item))

    def make_function(self, raw):
        params = [(snake(p['name']), self.type_of(p['type'])) for p in raw['params']]
        result = self.type_of(raw['result']) if 'result' in raw else None
        for _, type_ in params:
            refuse(type_, lambda t: isinstance(t, Result) or isinstance(t, Handle) and t.is_own,
                   'owned or result parameter of ' + raw['name'])
        refuse_own_beside_others(result, raw['name'])
        return Function(raw['name'], params, result, docs_of(raw))

    def type_of(self, reference):
        if isinstance(reference, str):
            return self.intern(('text',) if reference == 'string' else ('primitive', reference),
                               lambda: Bytes(True) if reference == 'string'
                               else Primitive(reference))
        if reference not in self.by_id:
            self.by_id[reference] = self.resolve(self.document['types'][reference])
        return self.by_id[reference]

    def intern(self, key, make):
        """One object for each anonymous shape, listed with the interface it belongs to."""
        if key not in self.interned:
            type_ = self.interned[key] = make()
            if type_.owner:
                type_.owner.types.append(type_)
            elif type_.uses:
                self.shared.append(type_)
        return self.interned[key]

    def resolve(self, raw):
        kind = raw['kind']
        if kind == 'resource':
            return self.name(Resource(), raw)
        (tag, body), = kind.items()
        if tag == 'type':
            return self.type_of(body)
        if tag == 'list':
            if body == 'u8':
                return self.intern(('bytes',), lambda: Bytes(False))
            element = self.type_of(body)
            return self.intern(('list', element), lambda: List(element))
        if tag == 'option':
            payload = self.type_of(body)
            return self.intern(('option', payload), lambda: Option(payload))
        if tag == 'handle':
            (ownership, resource), = body.items()
            target = self.type_of(resource)
            return self.intern((ownership, target), lambda: Handle(target, ownership == 'own'))
        if tag == 'result':
            return self.resolve_result(body)
        return self.name(self.resolve_named(tag, body), raw)

    def resolve_named(self, tag, body):
        if tag == 'record':
            return Record([(snake(f['name']), self.type_of(f['type'])) for f in body['fields']])
        if tag == 'enum':
            return Enum([snake(case['name']) for case in body['cases']])
        if tag == 'variant':
            return Variant([(snake(case['name']),
                             None if case['type'] is None else self.type_of(case['type']))
                            for case in body['cases']])
        raise Unsupported(f'type constructor {tag}')

    def resolve_result(self, body):
        ok = None if body['ok'] is None else self.type_of(body['ok'])
        if body['err'] is None:
            raise Unsupported('result without an error type')
        error = self.type_of(body['err'])
        owner = error.owner
        what = 'unit' if ok is None else ok.short.removeprefix(owner.short + '_')
        return self.intern(('result', ok, error),
                           lambda: Result(ok, error, f'{owner.short}_{what}_result', owner))

    def name(self, type_, raw):
        type_.owner = owner = self.interfaces[raw['owner']['interface']]
        name = snake(raw['name'])
        type_.short = owner.short + '_' + name.removeprefix(owner.short + '_')
        type_.local = name
        type_.wit_name = f"{owner.module}#{raw['name']}"
        type_.docs = docs_of(raw)
        if not isinstance(type_, Resource):
            owner.types.append(type_)
        return type_


def docs_of(raw):
    return ' '.join((raw.get('docs') or {}).get('contents', '').split()) or None


def refuse(type_, is_refused, what):
    if is_refused(type_):
        raise Unsupported(what)
    if not isinstance(type_, Handle):
        for used in type_.uses:
            refuse(used, is_refused, what)


def has_own(type_):
    if isinstance(type_, Handle):
        return type_.is_own
    return any(has_own(used) for used in type_.uses if used)


def refuse_own_beside_others(type_, name):
    """Were a later part of a result to fail, an owned object before it would have no owner."""
    if type_ is None or isinstance(type_, Handle):
        return
    if isinstance(type_, (Record, List)) and has_own(type_):
        raise Unsupported('an owned resource inside a record or list, in ' + name)
    for used in type_.uses:
        refuse_own_beside_others(used, name)


def check_names(model):
    """Names in C are made by rules; two things must not get the same one."""
    seen = {}
    for interface in model.interfaces:
        for type_ in interface.types + interface.resources:
            if isinstance(type_, Handle):
                continue
            if seen.setdefault(type_.c, type_) is not type_:
                raise Unsupported(f'two types named {type_.c}')
