// Package rights says what each Lambda function of Steward may do to the parts of AWS, and nothing else says so: the generated stacks give
// exactly this to the roles, and the test kit of package edge holds every call that an operation makes to its table and keys against it, so
// that an operation that starts to touch something new fails its own tests until its row here grants it.
//
// The package knows partitions, not resources of AWS: which table, key or pool is meant is for the stacks to say.
package rights

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// Rights are what one function may do. Partitions are patterns in which * stands for any letters.
type Rights struct {
	Read    []string      // partitions of the data table that may be read, in it and in the indexes
	Indexes []table.Index // that may be queried
	Append  []string      // partitions in which items may be made, and neither changed nor deleted
	Write   []string      // partitions in which items may be made, changed and deleted

	ReadKeys  bool     // the keys table: wrapped keys of tenants and accounts
	WriteKeys []string // partitions of the keys table in which items may be made, changed and deleted

	Unwrap, Wrap, Mac bool     // KMS: open a tenant's key, make one, make a MAC
	Identity          []string // actions of Cognito on the pool
	Mail, Texts       bool     // SES, SNS
	Wake              bool     // send to the queues of jobs
	Secret            bool     // read the secrets of webhooks
	Stream            bool     // read the data table's stream, besides where it is pushed
}

// Of gives the rights of a route's function. False for an operation that no row knows.
func Of(r *edge.Route) (Rights, bool) {
	row, ok := rows[Resource(r.Operation)]
	if !ok {
		return Rights{}, false
	}
	if !row.asks {
		return Rights{}, true
	}
	x := Rights{Read: append([]string{start, nowhere}, row.read...), Mac: slices.Contains(macs, r.Operation), Unwrap: true, ReadKeys: true, Wrap: row.wrap, Secret: row.secret}
	if !row.system {
		x.Read = append(x.Read, key.EveryTenant(""))
	}
	x.Indexes = row.indexes
	switch own, known := exact[r.Operation]; {
	case known:
		own(&x)
	case Changes(r):
		x.Write, x.WriteKeys = slices.Clone(row.write), row.writeKeys
	}
	if r.Access.String() == "public" && row.system {
		return x, true
	}
	if r.Method != http.MethodGet {
		x.Append, x.Write = append(x.Append, events), append(x.Write, replies)
	} else if watched(r) {
		x.Append = append(x.Append, events) // a denial is an event
	}
	x.Identity = identity[r.Operation]
	return x, true
}

// Writes reports whether anything may be written. What writes also checks, if only the item that is nowhere.
func (x *Rights) Writes() bool { return len(x.Append)+len(x.Write)+len(x.WriteKeys) > 0 }

// Changes reports whether the operation may change more than the audit and the record of its own reply.
func Changes(r *edge.Route) bool {
	return r.Method != http.MethodGet && r.Foretells == "" && !slices.Contains(asking, r.Operation)
}

// asking are operations that only read, though they are asked by POST.
var asking = []string{"accounts.search", "accounts.reveal", "contacts.reveal", "audit.verify", "permissions.check", "permissions.explain"}

// watched are the modules of which edge records denied reads.
func watched(r *edge.Route) bool {
	module, _, ok := strings.Cut(r.Access.String(), ".")
	return ok && slices.Contains([]string{"audit", "role", "user", "tenant"}, module)
}

// Resource is the folder below functions that has the operation: the binary of its function.
func Resource(operation string) string {
	noun, _, _ := strings.Cut(operation, ".")
	if r, ok := homes[noun]; ok {
		return r
	}
	return noun
}

// homes are the nouns that are at home in another's folder.
var homes = map[string]string{
	"contacts": "accounts", "team": "accounts", "shares": "accounts", "overrides": "accounts", "temporary": "accounts",
	"company": "org", "settings": "org", "departments": "org", "posts": "org",
}

// Variables are those of the environment that the resource's binary reads, without what AWS sets.
func Variables(resource string) []string { return rows[resource].env }

// Exceptions are the operations that a row of their own names.
func Exceptions() []string {
	return slices.Concat(asking, slices.Sorted(maps.Keys(exact)), slices.Sorted(maps.Keys(identity)))
}
