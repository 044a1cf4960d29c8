package access

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// Conflicts gives, for each rule of separation of duty, the users who hold both of its rights, directly or by posts, in id order. Users who are
// invited or deactivated count: what they hold wakes with them.
func (o *Organisation) Conflicts(rules []principal.Separation) [][]id.User {
	out := make([][]id.User, len(rules))
	if len(rules) == 0 {
		return out
	}
	known := map[string][]int{} // by the roles held: a tenant has few sets of roles and many users
	for _, u := range slices.Sorted(maps.Keys(o.Places)) {
		var b strings.Builder
		for _, r := range o.RolesOf(u) {
			b.WriteString(string(r))
		}
		broken, seen := known[b.String()]
		if !seen {
			broken = policy.Conflicts(o.rolesOf(o.Places[u]), rules)
			known[b.String()] = broken
		}
		for _, i := range broken {
			out[i] = append(out[i], u)
		}
	}
	return out
}

// Separated answers Conflict separation_of_duty when a change of the organisation makes somebody hold both rights of a rule who did not before,
// with the rule's name and how many users. Who breaks a rule already is no reason to refuse. Whoever changes who holds which roles, or what
// they contain, asks it, with the tenant's row raised in the same Set: so two changes that break a rule together cannot both commit.
func Separated(before, after *Organisation, rules []principal.Separation) error {
	if len(rules) == 0 {
		return nil
	}
	was := before.Conflicts(rules)
	for i, is := range after.Conflicts(rules) {
		more := 0
		for _, u := range is {
			if _, had := slices.BinarySearch(was[i], u); !had {
				more++
			}
		}
		if more > 0 {
			return fault.New(fault.Conflict, "separation_of_duty", "rule", rules[i].Name, "users", strconv.Itoa(more))
		}
	}
	return nil
}
