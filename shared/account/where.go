package account

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/plain"
	"github.com/steward-crm/steward/shared/policy"
)

// Where says which accounts are meant. It is one of and, or, not, and a condition on a field.
//
// What a condition says of a field that holds nothing is false, but for isEmpty and ne. not is plain negation: where a field holds nothing,
// {"not":{"field":f,"op":"eq",…}} is true, as {"field":f,"op":"ne",…} is. Texts that people type are compared as plain.Fold has them: without
// regard to case and width. A field of several values, such as categoryIds, fulfils eq, in and prefix when one of them does.
//
// Conditions on contacts hold when one of the account's contacts fulfils them and the reader may see the contacts of that account.
type Where struct {
	And    []Where          `json:"and,omitzero"`
	Or     []Where          `json:"or,omitzero"`
	Not    *Where           `json:"not,omitzero"`
	Field  string           `json:"field,omitzero"`
	Op     Op               `json:"op,omitzero"`
	Value  jsontext.Value   `json:"value,omitzero"`  // of every op but in
	Values []jsontext.Value `json:"values,omitzero"` // of in
}

// Op is what a condition asks of a field.
type Op string

// The ops. Which a field takes, its kind says.
const (
	Eq      Op = "eq"
	Ne      Op = "ne"
	In      Op = "in"
	IsEmpty Op = "isEmpty"
	Prefix  Op = "prefix"
	Gt      Op = "gt"
	Gte     Op = "gte"
	Lt      Op = "lt"
	Lte     Op = "lte"
)

// OpenAPIEnum lists them.
func (Op) OpenAPIEnum() []string {
	return []string{string(Eq), string(Ne), string(In), string(IsEmpty), string(Prefix), string(Gt), string(Gte), string(Lt), string(Lte)}
}

// Limits of a filter: beyond, it is Malformed filter_too_complex.
const (
	MaxDepth       = 5   // a condition alone is one
	MaxConditions  = 50  // in all
	MaxValues      = 100 // of one condition, and of all conditions on contacts together
	MaxSearchText  = 200 // code points of a value
	MaxSearchSorts = 2
)

// mostFaults are told of one search; who makes more has misunderstood something that these will teach.
const mostFaults = 50

// clause is a Where that was found sound: a join of others, or a condition.
type clause struct {
	join  byte // '&', '|', '!', or 0 for a condition
	parts []clause
	*condition
}

// condition asks something of one field.
type condition struct {
	field  *sought
	op     Op
	texts  []string // to compare with, as the field's own are prepared
	empty  bool     // of isEmpty
	moment time.Time
	number int

	among map[id.Account]bool // of a condition on contacts: no other account fulfils it; nil: not known
}

// compiler judges what a search asks for. It answers everything that is wrong at once.
type compiler struct {
	who *policy.Subject
	rules
	malformed  bool
	complex    *fault.Fault
	conditions int
	contacts   int // values of conditions on contacts
}

func (c *compiler) err() error {
	if c.complex != nil {
		return c.complex
	}
	c.faults = c.faults[:min(len(c.faults), mostFaults)]
	err := c.rules.err()
	if err != nil && c.malformed {
		f := *fault.Of(err)
		f.Kind = fault.Malformed
		return &f
	}
	return err
}

func (c *compiler) tooComplex(at string) {
	if c.complex == nil {
		limits := []string{
			"depth", strconv.Itoa(MaxDepth), "conditions", strconv.Itoa(MaxConditions), "values", strconv.Itoa(MaxValues),
			"length", strconv.Itoa(MaxSearchText),
		}
		c.complex = fault.New(fault.Malformed, "filter_too_complex", limits...).With(fault.At(at, "filter_too_complex", limits...))
	}
}

// unknown refuses a field that does not exist, and in the same words one that the reader's roles hide or mask: what is kept in it must not be
// learnt by asking for it.
func (c *compiler) unknown(at string) {
	c.malformed = true
	c.add(fault.At(at, "unknown_field"))
}

func (c *compiler) clause(w *Where, at string, depth int) clause {
	if depth > MaxDepth {
		c.tooComplex(at)
		return clause{}
	}
	forms := 0
	for _, has := range []bool{w.And != nil, w.Or != nil, w.Not != nil, w.Field != "" || w.Op != "" || w.Value != nil || w.Values != nil} {
		if has {
			forms++
		}
	}
	switch {
	case forms != 1:
		c.add(fault.At(at, "invalid_filter"))
		return clause{}
	case w.Not != nil:
		return clause{join: '!', parts: []clause{c.clause(w.Not, at+"/not", depth+1)}}
	case w.And != nil:
		return clause{join: '&', parts: c.clauses(w.And, at+"/and", depth+1)}
	case w.Or != nil:
		return clause{join: '|', parts: c.clauses(w.Or, at+"/or", depth+1)}
	}
	if c.conditions++; c.conditions > MaxConditions {
		c.tooComplex(at)
		return clause{}
	}
	return clause{condition: c.condition(w, at)}
}

func (c *compiler) clauses(list []Where, at string, depth int) []clause {
	if len(list) == 0 {
		c.add(fault.At(at, "required"))
	}
	if len(list) > MaxConditions {
		c.tooComplex(at)
		return nil
	}
	out := make([]clause, len(list))
	for i := range list {
		out[i] = c.clause(&list[i], at+"/"+strconv.Itoa(i), depth)
	}
	return out
}

func (c *compiler) condition(w *Where, at string) *condition {
	if w.Field == "" {
		c.add(fault.At(at+"/field", "required"))
		return nil
	}
	f := soughtField(w.Field)
	if f == nil || !f.usable(c.who) {
		c.unknown(at + "/field")
		return nil
	}
	if ops := kindOps[f.kind]; !slices.Contains(ops, w.Op) {
		var names []string
		for _, o := range ops {
			names = append(names, string(o))
		}
		c.add(fault.At(at+"/op", "not_one_of", "allowed", strings.Join(names, ", ")))
		return nil
	}
	x := &condition{field: f, op: w.Op}
	values, member := w.Values, "/values/"
	if w.Op != In {
		member = "/value"
		if values = nil; w.Value != nil {
			values = []jsontext.Value{w.Value}
		}
	}
	switch {
	case w.Op == In && w.Value != nil || w.Op != In && w.Values != nil:
		c.add(fault.At(at, "invalid_filter"))
		return nil
	case len(values) == 0:
		c.add(fault.At(at+strings.TrimSuffix(member, "/"), "required"))
		return nil
	case len(values) > MaxValues:
		c.tooComplex(at + "/values")
		return nil
	}
	if f.ofContacts && f.blind != "" {
		if c.contacts += len(values); c.contacts > MaxValues {
			c.tooComplex(at)
		}
	}
	for i, v := range values {
		pointer := at + member
		if w.Op == In {
			pointer += strconv.Itoa(i)
		}
		c.value(x, v, pointer)
	}
	return x
}

// value reads one value into the condition.
func (c *compiler) value(x *condition, v jsontext.Value, at string) {
	switch {
	case x.op == IsEmpty:
		if k := v.Kind(); k != 't' && k != 'f' {
			c.add(fault.At(at, "wrong_type", "expected", "boolean"))
		}
		x.empty = v.Kind() == 't'
	case x.field.kind == ofNumber:
		n, err := strconv.Atoi(string(v))
		if v.Kind() != '0' || err != nil {
			c.add(fault.At(at, "wrong_type", "expected", "integer"))
		}
		x.number = n
	default:
		var s string
		if v.Kind() != '"' || json.Unmarshal(v, &s) != nil {
			c.add(fault.At(at, "wrong_type", "expected", "string"))
			return
		}
		if len(s) > MaxSearchText && len([]rune(s)) > MaxSearchText {
			c.tooComplex(at)
			return
		}
		if strings.TrimSpace(s) == "" {
			c.add(fault.At(at, "required"))
			return
		}
		c.text(x, s, at)
	}
}

func (c *compiler) text(x *condition, s, at string) {
	m := patch.Of(s)
	var to, canonical string
	switch x.field.kind {
	case ofTime:
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			c.add(fault.At(at, "invalid_date"))
		}
		x.moment = t
		return
	case ofWord:
		c.oneOf(&to, m, at, x.field.words)
	case ofText:
		to = plain.Fold(s)
	case ofCountry:
		c.country(&to, m, at)
	case ofID:
		if to = s; x.field.name == "ownerId" && s == "me" {
			to = string(c.who.User)
		} else if !x.field.isID(s) {
			c.add(fault.At(at, "invalid_id"))
		}
	case ofEmail:
		c.email(&to, &canonical, m, at)
		to = canonical
	case ofPhone:
		c.phone(&to, m, at)
	}
	x.texts = append(x.texts, to)
}
