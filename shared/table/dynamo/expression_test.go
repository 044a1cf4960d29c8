package dynamo_test

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// value is one attribute on the wire.
type value struct {
	S *string `json:"S,omitzero"`
	N *string `json:"N,omitzero"`
	B *[]byte `json:"B,omitzero"`
}

type row map[string]value

func (v value) size() int {
	switch {
	case v.S != nil:
		return len(*v.S)
	case v.N != nil:
		return len(*v.N)/2 + 2
	case v.B != nil:
		return len(*v.B)
	}
	return 1
}

func (r row) size() (n int) {
	for name, v := range r {
		n += len(name) + v.size()
	}
	return n
}

// order compares values of one type; ok is false for others.
func order(a, b value) (c int, ok bool) {
	switch {
	case a.S != nil && b.S != nil:
		return cmp.Compare(*a.S, *b.S), true
	case a.N != nil && b.N != nil:
		x, _ := strconv.ParseInt(*a.N, 10, 64)
		y, _ := strconv.ParseInt(*b.N, 10, 64)
		return cmp.Compare(x, y), true
	case a.B != nil && b.B != nil:
		return bytes.Compare(*a.B, *b.B), true
	}
	return 0, false
}

// expressions are one write's, read with what is bound to them. They refuse what DynamoDB refuses: unknown and unused names and values,
// reserved words, empty expressions.
type expressions struct {
	row    row
	names  map[string]string
	values map[string]value
	used   map[string]bool
	tokens []string
	err    error
}

var lexemes = regexp.MustCompile(`\s*(<=|>=|<>|[()=<>,+]|[#:]?[A-Za-z0-9_]+)`)

func (e *expressions) read(text string) {
	e.tokens = nil
	for text != "" {
		m := lexemes.FindStringSubmatchIndex(text)
		if m == nil || m[0] != 0 {
			e.fail("cannot read %q", text)
			return
		}
		e.tokens = append(e.tokens, text[m[2]:m[3]])
		text = text[m[1]:]
	}
	if len(e.tokens) == 0 {
		e.fail("empty expression")
	}
}

func (e *expressions) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf(format, args...)
	}
	e.tokens = nil
}

func (e *expressions) peek() string {
	if len(e.tokens) == 0 {
		return ""
	}
	return e.tokens[0]
}

func (e *expressions) next() string {
	t := e.peek()
	if t == "" {
		e.fail("the expression ends early")
		return ""
	}
	e.tokens = e.tokens[1:]
	return t
}

func (e *expressions) want(token string) {
	if t := e.next(); t != token {
		e.fail("%q, want %q", t, token)
	}
}

func (e *expressions) take(token string) bool {
	if e.peek() != token {
		return false
	}
	e.tokens = e.tokens[1:]
	return true
}

// path is the name of an attribute.
func (e *expressions) path() string {
	t := e.next()
	if strings.HasPrefix(t, "#") {
		e.used[t] = true
		name, ok := e.names[t]
		if !ok {
			e.fail("name %s is not bound", t)
		}
		return name
	}
	if strings.EqualFold(t, "ttl") || strings.HasPrefix(t, ":") {
		e.fail("%q is no path", t)
	}
	return t
}

func (e *expressions) operand() (value, bool) {
	if strings.HasPrefix(e.peek(), ":") {
		t := e.next()
		e.used[t] = true
		v, ok := e.values[t]
		if !ok {
			e.fail("value %s is not bound", t)
		}
		return v, ok
	}
	v, ok := e.row[e.path()]
	return v, ok
}

func (e *expressions) either() bool {
	ok := e.both()
	for e.take("OR") {
		ok = e.both() || ok
	}
	return ok
}

func (e *expressions) both() bool {
	ok := e.term()
	for e.take("AND") {
		ok = e.term() && ok
	}
	return ok
}

func (e *expressions) term() bool {
	switch t := e.peek(); t {
	case "(":
		e.next()
		ok := e.either()
		e.want(")")
		return ok
	case "attribute_exists", "attribute_not_exists":
		e.next()
		e.want("(")
		_, there := e.row[e.path()]
		e.want(")")
		return there == (t == "attribute_exists")
	case "contains", "begins_with":
		e.next()
		e.want("(")
		a, there := e.operand()
		e.want(",")
		b, _ := e.operand()
		e.want(")")
		if !there || a.S == nil || b.S == nil {
			return false
		}
		return t == "contains" && strings.Contains(*a.S, *b.S) || t == "begins_with" && strings.HasPrefix(*a.S, *b.S)
	}
	a, there := e.operand()
	if e.take("BETWEEN") {
		low, _ := e.operand()
		e.want("AND")
		high, _ := e.operand()
		if c, _ := order(low, high); c > 0 {
			e.fail("BETWEEN with its bounds the wrong way round")
		}
		x, ok := order(a, low)
		y, _ := order(a, high)
		return there && ok && x >= 0 && y <= 0
	}
	op := e.next()
	b, also := e.operand()
	c, ok := order(a, b)
	if !there || !also || !ok {
		return false
	}
	switch op {
	case "=":
		return c == 0
	case ">":
		return c > 0
	case "<=":
		return c <= 0
	case ">=":
		return c >= 0
	}
	e.fail("operator %q", op)
	return false
}

// holds judges a condition; none always holds.
func (e *expressions) holds(text string) bool {
	if text == "" {
		return true
	}
	e.read(text)
	ok := e.either()
	if len(e.tokens) > 0 {
		e.fail("%q after the end", e.peek())
	}
	return ok
}

// update gives the row as SET and REMOVE leave it.
func (e *expressions) update(text string, next row) {
	e.read(text)
	touched := map[string]bool{"pk": true, "sk": true}
	each := func(one func(name string)) {
		for {
			name := e.path()
			if touched[name] {
				e.fail("%s is part of the key, or written twice", name)
			}
			touched[name] = true
			if one(name); !e.take(",") {
				return
			}
		}
	}
	for e.err == nil && e.peek() != "" {
		switch section := e.next(); section {
		case "SET":
			each(func(name string) {
				e.want("=")
				next[name] = e.sum()
			})
		case "REMOVE":
			each(func(name string) { delete(next, name) })
		default:
			e.fail("section %q", section)
		}
	}
}

func (e *expressions) sum() value {
	var v value
	if e.take("if_not_exists") {
		e.want("(")
		old, there := e.row[e.path()]
		e.want(",")
		if v, _ = e.operand(); there {
			v = old
		}
		e.want(")")
	} else {
		v, _ = e.operand()
	}
	if !e.take("+") {
		return v
	}
	more, _ := e.operand()
	if v.N == nil || more.N == nil {
		e.fail("a sum of what are no numbers")
		return v
	}
	x, _ := strconv.ParseInt(*v.N, 10, 64)
	y, _ := strconv.ParseInt(*more.N, 10, 64)
	n := strconv.FormatInt(x+y, 10)
	return value{N: &n}
}

// finish demands that all that was bound was used.
func (e *expressions) finish() error {
	for name := range e.names {
		if !e.used[name] {
			e.fail("name %s is bound and not used", name)
		}
	}
	for name, v := range e.values {
		if !e.used[name] {
			e.fail("value %s is bound and not used", name)
		}
		if v.S == nil && v.N == nil && v.B == nil {
			e.fail("value %s has no type", name)
		}
	}
	return e.err
}
