package policy

import "errors"

// Scope is how far a grant reaches. The scopes are a chain: each reaches all that the one before it reaches and more, so that the widest
// of several grants reaches what any of them does, and a superior with a department's scope still sees their reports elsewhere (I6).
type Scope uint8

// The scopes, narrowest first. None is no grant at all.
const (
	None       Scope = iota
	Own              // resources that I own
	Reports          // and those owned by everyone who reports to me, transitively
	Department       // and those of my department
	Subtree          // and those of all departments below mine
	All              // every resource of the tenant
)

// Scopes are those that a grant may name, narrowest first.
var Scopes = []Scope{Own, Reports, Department, Subtree, All}

var scopeWords = [...]string{"none", "own", "reports", "department", "subtree", "all"}

// errScope is what reading or writing a scope that no grant may have answers.
var errScope = errors.New("policy: not a scope of a grant")

// ParseScope reads the word of a scope; false for any other word, none among them.
func ParseScope(word string) (Scope, bool) {
	for _, s := range Scopes {
		if scopeWords[s] == word {
			return s, true
		}
	}
	return None, false
}

// String gives the scope's word.
func (s Scope) String() string {
	if s > All {
		return scopeWords[None]
	}
	return scopeWords[s]
}

// MarshalText gives the word. None has no form in JSON: leave it out with omitzero.
func (s Scope) MarshalText() ([]byte, error) {
	if s == None || s > All {
		return nil, errScope
	}
	return []byte(scopeWords[s]), nil
}

// UnmarshalText reads the word.
func (s *Scope) UnmarshalText(b []byte) error {
	v, ok := ParseScope(string(b))
	if !ok {
		return errScope
	}
	*s = v
	return nil
}
