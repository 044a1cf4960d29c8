// Package iam judges calls of AWS by the statements of a role, as IAM does, and reads from a request which calls IAM would be asked about. It
// knows of IAM's language what Steward's stacks use, and refuses what it does not know: a condition it cannot judge grants nothing.
package iam

import (
	"fmt"
	"slices"
	"strings"
)

// Statement is one of a role's policies, with everything that it refers to filled in.
type Statement struct {
	Effect                           string // Allow or Deny
	Actions, Resources, NotResources []string
	Conditions                       map[string]map[string][]string // operator → key → values
}

// Call is one action on one resource, with what conditions may ask about.
type Call struct {
	Action   string
	Resource string
	Keys     map[string][]string
}

func (c Call) String() string {
	s := c.Action + " on " + c.Resource
	if k := c.Keys[LeadingKeys]; len(k) > 0 {
		s += " of " + strings.Join(k, ", ")
	}
	return s
}

// LeadingKeys is the key of conditions that holds the partitions that a call to DynamoDB is about.
const LeadingKeys = "dynamodb:LeadingKeys"

// Allows reports whether the statements allow the call: one has to, and none may deny it.
func Allows(all []Statement, c Call) bool {
	allowed := false
	for _, s := range all {
		if !slices.ContainsFunc(s.Actions, func(p string) bool { return Like(p, c.Action) }) || !s.about(c.Resource) {
			continue
		}
		holds, err := s.holds(c)
		switch {
		case s.Effect == "Deny" && (holds || err != nil):
			return false
		case s.Effect == "Allow" && holds && err == nil:
			allowed = true
		}
	}
	return allowed
}

func (s *Statement) about(resource string) bool {
	fits := func(p string) bool { return Like(p, resource) }
	if len(s.NotResources) > 0 {
		return !slices.ContainsFunc(s.NotResources, fits)
	}
	return slices.ContainsFunc(s.Resources, fits)
}

func (s *Statement) holds(c Call) (bool, error) {
	for operator, keys := range s.Conditions {
		for key, wanted := range keys {
			ok, err := judge(operator, wanted, c.Keys[key])
			if err != nil || !ok {
				return false, err
			}
		}
	}
	return true, nil
}

func judge(operator string, wanted, have []string) (bool, error) {
	quantifier, operator, many := strings.Cut(operator, ":")
	if !many {
		quantifier, operator = "", quantifier
	}
	var one func(value string) bool
	switch operator {
	case "StringEquals":
		one = func(value string) bool { return slices.Contains(wanted, value) }
	case "StringLike":
		one = func(value string) bool {
			return slices.ContainsFunc(wanted, func(p string) bool { return Like(p, value) })
		}
	default:
		return false, fmt.Errorf("iam: operator %s is not known", operator)
	}
	switch quantifier {
	case "":
		return len(have) == 1 && one(have[0]), nil
	case "ForAnyValue":
		return slices.ContainsFunc(have, one), nil
	case "ForAllValues":
		return !slices.ContainsFunc(have, func(value string) bool { return !one(value) }), nil
	}
	return false, fmt.Errorf("iam: quantifier %s is not known", quantifier)
}

// Like is IAM's StringLike, without ?.
func Like(pattern, s string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, first)
	if !ok {
		return false
	}
	for i := 0; i <= len(s); i++ {
		if Like(rest, s[i:]) {
			return true
		}
	}
	return false
}
