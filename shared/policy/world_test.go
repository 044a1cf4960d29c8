package policy_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// world is a tenant's organisation as a person would write it down: names instead of ids, nothing compiled. The truth tables fill it from
// text, the properties from random draws, and the oracle answers from it by the words of the requirement.
type world struct {
	tenant  principal.Tenant
	parent  map[id.Department]id.Department // every department; "" at the top
	users   []id.User
	place   map[id.User]principal.Place
	status  map[id.User]principal.UserStatus
	roles   map[id.Role]policy.Role
	records map[string]policy.Resource
}

func newWorld() *world {
	return &world{
		tenant: principal.Tenant{ID: "acme", Status: principal.TenantActive},
		parent: map[id.Department]id.Department{}, place: map[id.User]principal.Place{}, status: map[id.User]principal.UserStatus{},
		roles: map[id.Role]policy.Role{}, records: map[string]policy.Resource{},
	}
}

// reportsTo climbs from a user to their managers.
func (w *world) reportsTo(u, boss id.User) bool {
	for m := w.place[u].Manager; m != ""; m = w.place[m].Manager {
		if m == boss {
			return true
		}
	}
	return false
}

// below climbs from a department to its parents.
func (w *world) below(d, top id.Department) bool {
	for p := w.parent[d]; p != ""; p = w.parent[p] {
		if p == top {
			return true
		}
	}
	return false
}

func (w *world) held(u id.User) []policy.Role {
	var out []policy.Role
	for _, r := range w.place[u].Roles {
		out = append(out, w.roles[r])
	}
	return out
}

// subject is the user as access would load them.
func (w *world) subject(u id.User) *policy.Subject {
	p := w.place[u]
	chart := policy.Chart{User: u, Department: p.Department}
	for _, other := range w.users {
		if w.reportsTo(other, u) {
			chart.Reports = append(chart.Reports, other)
		}
	}
	for d := range w.parent {
		if p.Department != "" && w.below(d, p.Department) {
			chart.Below = append(chart.Below, d)
		}
	}
	return &policy.Subject{
		Principal: principal.Principal{Tenant: w.tenant.ID, User: u},
		Org:       w.tenant,
		Self:      principal.Standing{Place: p, Status: w.status[u]},
		Rights:    policy.Compile(chart, w.held(u)),
	}
}

// row is one line of a truth table that asks something.
type row struct {
	line  int
	words []string
}

// readWorld reads a truth table: lines that describe the world, and lines that ask.
func readWorld(t *testing.T, file string) (*world, []row) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld()
	var rows []row
	for i, line := range strings.Split(string(b), "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		asks, err := w.read(words, line)
		if err != nil {
			t.Fatalf("%s:%d: %v", file, i+1, err)
		}
		if asks {
			rows = append(rows, row{i + 1, words})
		}
	}
	return w, rows
}

// after gives the words that follow a phrase, such as "reports to", up to the next word of grammar.
func after(words []string, phrase ...string) string {
	for i := 0; i+len(phrase) < len(words); i++ {
		if slices.Equal(words[i:i+len(phrase)], phrase) {
			return words[i+len(phrase)]
		}
	}
	return ""
}

func (w *world) read(words []string, line string) (asks bool, err error) {
	switch words[0] {
	case "department":
		w.parent[id.Department(words[1])] = id.Department(after(words, "under"))
	case "user":
		u := id.User(words[1])
		w.users = append(w.users, u)
		w.status[u] = principal.UserActive
		w.place[u] = principal.Place{
			User: u, Active: true, Department: id.Department(after(words, "in")), Manager: id.User(after(words, "reports", "to")),
		}
	case "status":
		w.status[id.User(words[1])] = principal.UserStatus(words[2])
	case "tenant":
		w.tenant.Status = principal.TenantStatus(words[1])
	case "off":
		w.tenant.Settings.ModulesOff = append(w.tenant.Settings.ModulesOff, words[1])
	case "record", "foreign":
		r := policy.Resource{Tenant: w.tenant.ID, Owner: id.User(after(words, "owned", "by")), Department: id.Department(after(words, "in"))}
		if words[0] == "foreign" {
			r.Tenant = "other"
		}
		w.records[words[1]] = r
	case "role":
		name, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "role "), ":")
		r, err := readRole(rest)
		r.ID = id.Role(name)
		w.roles[r.ID] = r
		return false, err
	default:
		if len(words) > 2 && words[1] == "holds" {
			p := w.place[id.User(words[0])]
			for _, r := range words[2:] {
				r := id.Role(strings.TrimSuffix(r, ","))
				if _, ok := w.roles[r]; !ok {
					return false, fmt.Errorf("no role %s", r)
				}
				p.Roles = append(p.Roles, r)
			}
			w.place[p.User] = p
			return false, nil
		}
		return true, nil
	}
	return false, nil
}

// readRole reads "module action scope, …; module field access, …".
func readRole(s string) (policy.Role, error) {
	r := policy.Role{Level: policy.Admin}
	if strings.TrimSpace(s) == "everything" {
		r.Grants = everything()
		return r, nil
	}
	grants, fields, _ := strings.Cut(s, ";")
	for _, g := range strings.Split(grants, ",") {
		f := strings.Fields(g)
		if len(f) != 3 {
			return r, fmt.Errorf("not a grant: %q", g)
		}
		scope, ok := policy.ParseScope(f[2])
		if !ok {
			return r, fmt.Errorf("not a scope: %q", g)
		}
		r.Grants = append(r.Grants, policy.Grant{Module: policy.Module(f[0]), Action: policy.Action(f[1]), Scope: scope})
	}
	for _, g := range strings.Split(fields, ",") {
		if f := strings.Fields(g); len(f) == 3 {
			r.Fields = append(r.Fields, policy.FieldRule{Module: policy.Module(f[0]), Field: f[1], Access: policy.Access(f[2])})
		}
	}
	return r, nil
}

func everything() []policy.Grant {
	var out []policy.Grant
	for _, e := range policy.Catalogue() {
		for _, a := range e.Actions {
			out = append(out, policy.Grant{Module: e.Module, Action: a, Scope: policy.All})
		}
	}
	return out
}
