"""text.py - writing C within 100 columns, the same on every machine."""

COLUMNS = 100


def fill(prefix, parts, suffix):
    """prefix + parts joined by ", " + suffix, broken between parts; later lines hang below the
    first part, or 8 columns in when one is too long for that."""
    pieces = [part + ',' for part in parts[:-1]] + [parts[-1] + suffix]
    indent = len(prefix) - len(prefix.lstrip())
    if len(prefix) + max(map(len, pieces)) <= COLUMNS:
        lines, hang = [prefix + pieces.pop(0)], len(prefix)
    else:
        lines, hang = [prefix.rstrip()], indent + 8
    for piece in pieces:
        if lines[-1] != prefix.rstrip() and len(lines[-1]) + 1 + len(piece) <= COLUMNS:
            lines[-1] += ' ' + piece
        else:
            lines.append(' ' * hang + piece)
    return lines


def call(indent, function, arguments, suffix):
    return fill(' ' * indent + function + '(', arguments, ')' + suffix)


def comment(indent, text):
    """A block comment, or nothing without a text."""
    if not text:
        return []
    lines, line = [], ' ' * indent + '/*'
    for word in text.split():
        if len(line) + 1 + len(word) + 3 > COLUMNS:
            lines.append(line)
            line = ' ' * indent + ' *'
        line += ' ' + word
    return lines + [line + ' */']


def chain(head, calls, tail=';'):
    """head followed by calls joined with &&, one per line when they do not fit on one.

    A call is (function, [arguments]) or a plain string."""
    flat = [c if isinstance(c, str) else f"{c[0]}({', '.join(c[1])})" for c in calls]
    one_line = head + ' ' + ' && '.join(flat) + tail
    if len(one_line) <= COLUMNS:
        return [one_line]
    indent = len(head) - len(head.lstrip()) + 4
    is_return = head.endswith('return')
    lines = [] if is_return else [head]
    for i, item in enumerate(calls):
        end = ' &&' if i + 1 < len(calls) else tail
        if is_return:  # the first check stands beside the word, the others below it
            text = flat[i] + end
            lead = head + ' ' if i == 0 else ' ' * (len(head) + 1)
            if len(lead + text) <= COLUMNS or isinstance(item, str):
                lines.append(lead + text)
            else:
                lines += fill(lead + item[0] + '(', item[1], ')' + end)
            continue
        if isinstance(item, str):
            lines.append(' ' * indent + item + end)
        else:
            lines += call(indent, item[0], item[1], end)
    return lines


def address_of(lvalue):
    return lvalue[1:] if lvalue.startswith('*') else '&' + lvalue


def offset(base, n):
    return base if n == 0 else f'{base} + {n}'


def declare(c_type, name):
    return c_type + name if c_type.endswith('*') else f'{c_type} {name}'


def header_open(path, about):
    guard = 'BHI_ABI_' + path.upper().replace('/', '_').replace('.', '_')
    return [f'/* abi/{path} - {about}', ' *', ' * Made by tools/witgen from wit/; do not edit. */',
            f'#ifndef {guard}', f'#define {guard}', '']


def source_open(path, about):
    return [f'/* abi/{path} - {about}', ' *', ' * Made by tools/witgen from wit/; do not edit. */']


def finish(lines):
    for line in lines:
        assert len(line) <= COLUMNS, line
    return '\n'.join(lines) + '\n'
