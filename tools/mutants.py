# SPDX-License-Identifier: GPL-2.0-or-later
"""Single-point mutations of C functions, for ./hypsec mutate.

    for mutant in mutants.of_file('firmware/core/x.c', text):
        text_of_the_mutant = mutant.apply(text)

Works on tokens, so that comments, strings and the preprocessor's lines stay
as they are, and relies on this project's style: braces around every body.
Nothing inside ASSERT() is changed: a weaker check of an invariant that holds
cannot be noticed. The operator "assert" drops whole ASSERT()s; it is not one
of the usual ones for the same reason.
"""
import dataclasses
import re

OPERATORS = {
    'comparison': '< and <=, > and >=, == and != exchanged',
    'negation': 'the condition of an if or while negated, a ! dropped',
    'logic': '&& and || exchanged',
    'bitwise': '& and |, << and >> exchanged, a ~ dropped',
    'arithmetic': '+ and -, ++ and -- exchanged',
    'constant': 'another number, true and false exchanged',
    'off-by-one': 'one more or less than a constant or a number',
    'owner': 'another owner: HOSTVISOR, COREVISOR, INVALID_MEM, a VM',
    'result': 'success in place of an error, or the other way round',
    'lock': 'a lock not taken, or not given back',
    'maintenance': 'a barrier, invalidation, clean or zeroing dropped',
    'statement': 'any other call or assignment dropped',
    'return': 'an early return, a break or a continue dropped',
    'assert': 'an ASSERT() dropped',
}
USUAL = tuple(name for name in OPERATORS if name != 'assert')

_TOKEN = re.compile(r'''
    (?P<skip>\s+|//[^\n]*|/\*.*?\*/|^[ \t]*\#(?:[^\n\\]|\\.)*)
  | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
  | (?P<name>[A-Za-z_]\w*)
  | (?P<number>0[xX][0-9a-fA-F]+[uUlL]*|\d+[uUlL]*)
  | (?P<sign>->|\+\+|--|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\.\.\.|.)
''', re.VERBOSE | re.MULTILINE | re.DOTALL)

_EXCHANGED = {
    'comparison': {'<': '<=', '<=': '<', '>': '>=', '>=': '>', '==': '!=',
                   '!=': '=='},
    'logic': {'&&': '||', '||': '&&'},
    'bitwise': {'&': '|', '|': '&', '&=': '|=', '|=': '&=', '<<': '>>',
                '>>': '<<', '<<=': '>>=', '>>=': '<<='},
    'arithmetic': {'+': '-', '-': '+', '+=': '-=', '-=': '+=', '++': '--',
                   '--': '++'},
}
# These need an operand before them, or they are something else.
_BINARY = {'&', '+', '-'}
_OWNERS = {'HOSTVISOR': 'COREVISOR', 'COREVISOR': 'HOSTVISOR',
           'INVALID_MEM': 'HOSTVISOR', 'vmid': 'HOSTVISOR'}
_MAINTENANCE = re.compile(
    r'(barrier|tlbi?|icache|cache|page_clean|mem|clear_phys|page_zero|scrub)_')
_ACQUIRE = re.compile(r'(?:acquire_)?lock_(?!.*held)\w+')
_RELEASE = re.compile(r'(?:release_lock|unlock)_\w+')
# What a mutation inside says nothing about.
_CHECKS = {'ASSERT', 'static_assert', '_Static_assert'}
_TYPE_WORDS = {'struct', 'union', 'enum', 'const', 'static', 'volatile',
               'unsigned', 'signed', 'char', 'bool', 'int', 'long', 'size_t',
               'va_list'}
_KEYWORDS = {'if', 'else', 'while', 'for', 'do', 'switch', 'case', 'default',
             'return', 'break', 'continue', 'goto', 'sizeof'}


@dataclasses.dataclass(frozen=True)
class Token:
    kind: str
    text: str
    start: int

    @property
    def end(self):
        return self.start + len(self.text)


@dataclasses.dataclass(frozen=True)
class Mutant:
    """EDITS are (start, end, replacement) in the file's text, in order."""
    file: str
    function: str
    line: int
    operator: str
    edits: tuple
    removed: tuple
    added: tuple

    def apply(self, text):
        for start, end, replacement in reversed(self.edits):
            text = text[:start] + replacement + text[end:]
        return text

    @property
    def place(self):
        return f'{self.file}:{self.line}'

    def diff(self):
        return '\n'.join([*(f'- {line}' for line in self.removed),
                          *(f'+ {line}' for line in self.added)])

    @property
    def key(self):
        """What a list of mutants knows it by; lines move, text stays."""
        return self.file, self.function, self.removed, self.added


def tokens_of(text):
    return [Token(match.lastgroup, match.group(), match.start())
            for match in _TOKEN.finditer(text) if match.lastgroup != 'skip']


def partners(tokens):
    """Index of each bracket's partner."""
    pairs = {}
    stack = []
    for index, token in enumerate(tokens):
        if token.kind != 'sign':
            continue
        if token.text in '([{':
            stack.append(index)
        elif token.text in ')]}' and stack:
            pairs[index] = stack.pop()
            pairs[pairs[index]] = index
    return pairs


def functions(tokens, pairs):
    """(name, index of its {, index of its }) of each function."""
    index = 0
    while index < len(tokens):
        if tokens[index].text == '{':
            end = pairs.get(index, len(tokens) - 1)
            if index and tokens[index - 1].text == ')':
                yield tokens[pairs[index - 1] - 1].text, index, end
            index = end
        index += 1


class Function:
    """One function's tokens; makes its mutants."""

    def __init__(self, file, text, tokens, pairs, name, first, last):
        self.file = file
        self.text = text
        self.tokens = tokens
        self.pairs = pairs
        self.name = name
        self.first = first
        self.last = last
        self.statements = list(self._statements())
        self.checks = {
            index for start, end in self.statements
            if tokens[start].text in _CHECKS
            for index in range(start, end + 1)}

    def _statements(self):
        """(first token, its semicolon) of each statement that has one."""
        index = self.first
        starts = True
        while index < self.last:
            text = self.tokens[index].text
            if text in '{};' or text in ('else', 'do'):
                starts = True
            elif text in ('if', 'while', 'for', 'switch'):
                index = self.pairs[index + 1]
                starts = True
            elif text in ('case', 'default'):
                while self.tokens[index].text != ':':
                    index += 1
                starts = True
            elif starts:
                start = index
                while index < self.last and self.tokens[index].text != ';':
                    index = self.pairs[index] if self.tokens[index].text in \
                        '([{' else index
                    index += 1
                yield start, index
                starts = True
            index += 1

    def mutant(self, operator, *edits):
        """A mutant; EDITS are (first token, last token, replacement)."""
        edits = tuple((self.tokens[first].start, self.tokens[last].end, new)
                      for first, last, new in edits)
        removed, added = [], []
        for start, end, replacement in edits:
            low = self.text.rfind('\n', 0, start) + 1
            high = self.text.find('\n', end)
            removed += self.text[low:high].splitlines()
            added += (self.text[low:start] + replacement +
                      self.text[end:high]).splitlines()
        return Mutant(
            self.file, self.name, self.text.count('\n', 0, edits[0][0]) + 1,
            operator, edits,
            tuple(line.strip() for line in removed if line.strip()),
            tuple(line.strip() for line in added
                  if line.strip() not in ('', ';')))

    def mutants(self):
        for index in range(self.first + 1, self.last):
            if index not in self.checks:
                yield from self._of_token(index)
        yield from self._negations()
        for start, end in self.statements:
            yield from self._of_statement(start, end)
        yield from self._lock_pairs()

    def _of_token(self, index):
        token = self.tokens[index]
        before = self.tokens[index - 1]
        if token.kind == 'sign':
            yield from self._of_sign(index, before)
        elif token.kind == 'number':
            yield from self._of_number(index, before)
        elif token.kind == 'name':
            yield from self._of_name(index, before)

    def _of_sign(self, index, before):
        text = self.tokens[index].text
        operand = before.kind in ('number', 'text') or \
            before.text in (')', ']') or \
            (before.kind == 'name' and before.text not in _KEYWORDS)
        for operator, exchanged in _EXCHANGED.items():
            if text in exchanged and (operand or text not in _BINARY):
                yield self.mutant(operator,
                                  (index, index, exchanged[text]))
        if text == '~':
            yield self.mutant('bitwise', (index, index, ''))
        if text == '!':
            yield self.mutant('negation', (index, index, ''))

    def _of_number(self, index, before):
        if before.text == 'case':
            return
        text = self.tokens[index].text
        digits = text.rstrip('uUlL')
        suffix = text[len(digits):]
        value = int(digits, 0)
        for other in (1 - value,) if value <= 1 else (value + 1, value - 1):
            yield self.mutant('constant' if value <= 1 else 'off-by-one',
                              (index, index, f'{other}{suffix}'))

    def _of_name(self, index, before):
        text = self.tokens[index].text
        after = self.tokens[index + 1].text
        if before.text in ('.', '->', 'goto', 'case') or after == '(':
            return
        if text in ('true', 'false'):
            yield self.mutant('constant', (
                index, index, 'false' if text == 'true' else 'true'))
        elif text in _OWNERS:
            if before.text in ('(', ',', '=', '==', '!=', '<=', '<', '&&',
                               '||', 'return', '?', ':', '['):
                yield self.mutant('owner', (index, index, _OWNERS[text]))
        elif text.startswith('HV_'):
            if before.text in ('return', '=', '?', ':'):
                yield self.mutant('result', (
                    index, index, 'HV_EPERM' if text == 'HV_OK'
                    else 'HV_OK'))
        elif re.fullmatch(r'[A-Z][A-Z0-9_]*[A-Z0-9]', text) and \
                before.text not in ('struct', 'enum') and \
                text != 'NULL' and \
                self.tokens[index + 1].kind not in ('text', 'name'):
            # X - 1 has its own mutants: those of the 1.
            one = self.tokens[index + 2].text
            for sign in '' if after == '-' and one == '1' else '+-':
                yield self.mutant('off-by-one',
                                  (index, index, f'({text} {sign} 1)'))

    def _negations(self):
        for index in range(self.first, self.last):
            if self.tokens[index].text in ('if', 'while') and \
                    self.tokens[index + 1].text == '(':
                start, end = index + 1, self.pairs[index + 1]
                if end == start + 2 and self.tokens[start + 1].text == '0':
                    continue
                if self._is_equality(start, end):
                    continue
                condition = self.text[self.tokens[start].start:
                                      self.tokens[end].end]
                if self.tokens[start + 1].text == '!' and \
                        self._is_one_term(start + 2, end):
                    continue
                yield self.mutant('negation', (start, end, f'(!{condition})'))

    def _is_equality(self, start, end):
        """Whether exchanging the one == or != negates the condition."""
        signs = [token.text for token in self.tokens[start:end]
                 if token.text in ('==', '!=', '&&', '||', '?')]
        return signs in (['=='], ['!='])

    def _is_one_term(self, start, end):
        """Whether the tokens are a name with calls, members and indices."""
        while start < end:
            token = self.tokens[start]
            if token.kind == 'sign' and token.text not in ('.', '->'):
                if token.text not in '([':
                    return False
                start = self.pairs[start]
            start += 1
        return True

    def _is_call(self, start, end):
        """The name of the function that the statement calls, or None."""
        if self.tokens[start].text == '(' and \
                self.tokens[start + 1].text == 'void':
            start += 3
        if self.tokens[start].kind == 'name' and \
                self.tokens[start].text not in _KEYWORDS and \
                self.tokens[start + 1].text == '(' and \
                self.pairs[start + 1] == end - 1:
            return self.tokens[start].text
        return None

    def _is_assignment(self, start, end):
        words = self.tokens[start:end]
        if words[0].text in _TYPE_WORDS | _KEYWORDS:
            return False
        if len(words) > 1 and words[0].kind == words[1].kind == 'name':
            return False
        if len(words) > 3 and words[1].text == '*' and \
                words[0].kind == words[2].kind == 'name':
            return False
        if len(words) < 2:
            return False
        if words[-1].text in ('++', '--') or words[0].text in ('++', '--'):
            return True
        depth = 0
        for word in words:
            if word.kind != 'sign':
                continue
            depth += (word.text in '([') - (word.text in ')]')
            if depth == 0 and re.fullmatch(r'([-+*/%&|^]|<<|>>)?=',
                                           word.text):
                return True
        return False

    def _of_statement(self, start, end):
        word = self.tokens[start].text
        if word in _CHECKS:
            if word == 'ASSERT':
                yield self.mutant('assert', (start, end, ';'))
            return
        if word in ('break', 'continue') or \
                (word == 'return' and end + 1 != self.last):
            yield self.mutant('return', (start, end, ';'))
            return
        name = self._is_call(start, end)
        if name is not None:
            if _ACQUIRE.fullmatch(name):
                return
            operator = 'maintenance' if _MAINTENANCE.match(name) else \
                'lock' if _RELEASE.fullmatch(name) else 'statement'
            yield self.mutant(operator, (start, end, ';'))
        elif self._is_assignment(start, end):
            yield self.mutant('statement', (start, end, ';'))

    def _lock_pairs(self):
        """Each lock of the function neither taken nor given back."""
        locks = {}
        for start, end in self.statements:
            name = self._is_call(start, end)
            if name is None:
                continue
            if _ACQUIRE.fullmatch(name) or _RELEASE.fullmatch(name):
                what = re.sub(r'^(acquire_|release_|un)', '',
                              self.text[self.tokens[start].start:
                                        self.tokens[end].end])
                locks.setdefault(what, []).append((start, end, ';'))
        for edits in locks.values():
            if len(edits) > 1:
                yield self.mutant('lock', *edits)


def of_file(file, text):
    """All mutants of a file, in the order of the text."""
    tokens = tokens_of(text)
    pairs = partners(tokens)
    seen = {}
    for name, first, last in functions(tokens, pairs):
        function = Function(file, text, tokens, pairs, name, first, last)
        for mutant in function.mutants():
            seen.setdefault(mutant.edits, mutant)
    return sorted(seen.values(),
                  key=lambda mutant: (mutant.edits, mutant.operator))
