package access

import (
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Suppose gives the tenant's organisation and row as they would be after the writes; moved reports whether the writes touch either in
// anything that rights depend on. The marks of grantees alone do not: they only say where to look. Whoever judges a record that the writes
// give a grant looks by them. The organisation is the very same one when no write touches it.
func (o *Organisation) Suppose(row principal.Tenant, writes []table.Write) (after *Organisation, org principal.Tenant, moved bool, err error) {
	after, org = o, row
	for _, w := range writes {
		switch k := w.Item.Key; {
		case w.Op == table.OpCheck:
		case k == key.Tenant(row.ID) && w.Op == table.OpPut:
			org = principal.Tenant{}
			if err := json.Unmarshal(w.Item.Doc, &org); err != nil {
				return nil, row, false, fault.New(fault.Internal, "internal").Because(err)
			}
			moved = moved || !sameSettings(row, org)
		case decides(row.ID, k):
			moved = moved || !strings.HasPrefix(k.SK, key.GrantedPrefix)
			if after == o {
				after = o.Clone()
			}
			if w.Op == table.OpDelete {
				after.remove(k)
			} else {
				err = after.put(w.Item)
			}
		}
		if err != nil {
			return nil, row, false, fault.New(fault.Internal, "internal").Because(err)
		}
	}
	return after, org, moved, nil
}

// sameSettings reports whether decisions come out alike under both rows.
func sameSettings(a, b principal.Tenant) bool {
	x, err := json.Marshal(a.Settings, json.Deterministic(true))
	y, err2 := json.Marshal(b.Settings, json.Deterministic(true))
	return err == nil && err2 == nil && string(x) == string(y) && a.Status == b.Status
}

// MaxSamples bounds the samples of each side of a Difference.
const MaxSamples = 20

// Supposed is one user before and after a change that is supposed. Either may be nil: a user who is not there.
type Supposed struct{ Before, After *policy.Subject }

// Difference is what a user gains and loses in one action on accounts. Samples are the newest, and only such as the one who asks may view.
type Difference struct {
	Action     policy.Action `json:"action"`
	Gained     int           `json:"gained"`
	Lost       int           `json:"lost"`
	GainedSome []id.Account  `json:"gainedSamples,omitzero"`
	LostSome   []id.Account  `json:"lostSamples,omitzero"`
}

// Supposition is one account before and after staged writes that change who may do what on it.
type Supposition struct {
	Account       id.Account
	Before, After policy.Resource
}
