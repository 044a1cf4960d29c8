package edge

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

// TestForms holds the forms read by hand to what they are as expressions, over texts near them.
func TestForms(t *testing.T) {
	for name, c := range map[string]struct {
		expression string
		is         func(string) bool
		near       string
	}{
		"id":        {`^[a-z]{2,8}_[0-9A-HJKMNP-TV-Z]{26}$`, isID, `[a-zA0]{1,9}_?([0-9A-HJKMNP-TV-Z]{25,27}|[0-9A-Za]{26})\n?`},
		"operation": {`^[a-z][a-zA-Z0-9]*(\.[a-z][a-zA-Z0-9]*)+$`, isOperation, `([a-zA-Z0-9_][a-zA-Z0-9]{0,3}\.?){0,3}|[a-z.]{0,6}\n?`},
		"segment":   {`^[a-zA-Z0-9_][a-zA-Z0-9._-]*$`, isSegment, `[a-zA-Z0-9._~ä-]{0,6}\n?`},
		"parameter": {`^\{[a-zA-Z][a-zA-Z0-9]*\}$`, isParam, `\{?[a-zA-Z0-9_-]{0,4}\}?\n?`},
	} {
		want := regexp.MustCompile(c.expression)
		seen := map[bool]int{}
		rapid.Check(t, func(t *rapid.T) {
			for _, s := range []string{rapid.StringMatching(c.near).Draw(t, "near"), rapid.StringMatching(c.expression).Draw(t, "of the form"), rapid.String().Draw(t, "any")} {
				is := want.MatchString(s)
				seen[is]++
				if c.is(s) != is {
					t.Fatalf("%s %q: %t", name, s, !is)
				}
			}
		})
		if seen[true] == 0 || seen[false] == 0 {
			t.Errorf("%s: %v: one side was never tried", name, seen)
		}
	}
}
