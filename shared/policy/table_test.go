package policy_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// The text of a truth table. Lines that describe:
//
//	department NAME [under NAME]            user NAME [in DEPARTMENT] [reports to USER]
//	heads USER DEPARTMENT                   status USER invited|active|inactive|deleted
//	role NAME: MODULE ACTION SCOPE, …; MODULE FIELD ACCESS, …     role NAME: everything
//	USER holds ROLE, …                      USER holds ROLE, … by post
//	record NAME [owned by USER] [in DEPARTMENT] [of CATEGORY, …]  foreign NAME …
//	category NAME to GRANTEE view|edit|delete … [superiors]
//	team|share|temporary RECORD to GRANTEE read|edit [superiors] [until SECONDS]
//	override RECORD to GRANTEE on|off view|edit|delete … [superiors] [until SECONDS]
//	default MODULE private|public_read|public_edit                off MODULE      tenant STATUS
//
// A GRANTEE is user:NAME, department:NAME, below:NAME (with all under it) or role:NAME; SECONDS count from the time of the request.
// Lines that ask:
//
//	USER allow ACTION MODULE RECORD by SCOPE|default|CATEGORY|team|share|temporary|override
//	USER deny ACTION MODULE RECORD by rule N
//	may USER ACTION MODULE = SCOPE|none     field USER ACTION MODULE FIELD = ACCESS

// row is one line of a truth table that asks something.
type row struct {
	line  int
	words []string
}

// readWorld reads a truth table.
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
	case "heads":
		w.head[id.Department(words[2])] = id.User(words[1])
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
	case "default":
		w.setDefault(policy.Module(words[1]), policy.Default(words[2]))
	case "record", "foreign":
		r := policy.Resource{Tenant: w.tenant.ID, Owner: id.User(after(words, "owned", "by")), Department: id.Department(after(words, "in"))}
		if words[0] == "foreign" {
			r.Tenant = "other"
		}
		if of := slices.Index(words, "of"); of > 0 {
			for _, c := range words[of+1:] {
				r.Categories = append(r.Categories, id.Category(strings.TrimSuffix(c, ",")))
			}
		}
		w.records[words[1]] = r
	case "category", "team", "share", "temporary", "override":
		return false, w.readGrant(words)
	case "role":
		name, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "role "), ":")
		r, err := readRole(rest)
		r.ID = id.Role(name)
		w.roles[r.ID] = r
		return false, err
	default:
		if len(words) > 2 && words[1] == "holds" {
			return false, w.readHolds(words)
		}
		return true, nil
	}
	return false, nil
}

func (w *world) setDefault(m policy.Module, d policy.Default) {
	if w.tenant.Settings.Defaults == nil {
		w.tenant.Settings.Defaults = map[string]string{}
	}
	w.tenant.Settings.Defaults[string(m)] = string(d)
}

func (w *world) readHolds(words []string) error {
	u, roles := id.User(words[0]), words[2:]
	n := len(roles)
	post := n > 2 && roles[n-2] == "by" && roles[n-1] == "post"
	if post {
		roles = roles[:n-2]
	}
	p := w.place[u]
	for _, r := range roles {
		r := id.Role(strings.TrimSuffix(r, ","))
		if _, ok := w.roles[r]; !ok {
			return fmt.Errorf("no role %s", r)
		}
		if post {
			w.posts[u] = append(w.posts[u], r)
		} else {
			p.Roles = append(p.Roles, r)
		}
	}
	w.place[u] = p
	return nil
}

func (w *world) readGrant(words []string) error {
	to, ok := granteeOf(after(words, "to"))
	if !ok {
		return fmt.Errorf("not a grantee: %q", after(words, "to"))
	}
	g := policy.RecordGrant{Kind: policy.GrantKind(words[0]), To: to, Superiors: slices.Contains(words, "superiors")}
	if s := after(words, "until"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			return err
		}
		g.Expires = w.now + int64(n)
	}
	var acts policy.Acts
	for word, act := range map[string]policy.Acts{
		"view": policy.ActView, "edit": policy.ActEdit, "delete": policy.ActDelete, "read": policy.ActsOf("read"),
	} {
		if slices.Contains(words[3:], word) {
			acts |= act
		}
	}
	if slices.Contains([]string{"team", "share", "temporary"}, words[0]) && slices.Contains(words, "edit") {
		acts = policy.ActsOf("edit")
	}
	switch {
	case words[0] == "category":
		w.categories = append(w.categories, policy.CategoryGrant{Category: id.Category(words[1]), To: to, On: acts, Superiors: g.Superiors})
		return nil
	case slices.Contains(words, "off"):
		g.Off = acts
	default:
		g.On = acts
	}
	r, ok := w.records[words[1]]
	if !ok {
		return fmt.Errorf("no record %s", words[1])
	}
	r.Grants = append(r.Grants, g)
	w.records[words[1]] = r
	return nil
}

func granteeOf(word string) (policy.Grantee, bool) {
	kind, name, _ := strings.Cut(word, ":")
	switch kind {
	case "user":
		return policy.ToUser(id.User(name)), true
	case "department", "below":
		return policy.ToDepartment(id.Department(name), kind == "below"), true
	case "role":
		return policy.ToRole(id.Role(name)), true
	}
	return "", false
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
