package access

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// Every change of roles or organisation leaves what it did beside the tenant's row, in its own commit. So a snapshot at one version is brought to a
// later one by a single small query, whatever the size of the organisation, and a snapshot that was read while the organisation changed is made
// whole: what was read is a mix of the states from the first version to the last, and every row in which these differ is in the journal with its
// last content. A chain with a gap serves nobody; then the organisation is read whole.

// Bounds of the journal.
const (
	journalLife  = time.Hour // of an entry: who last looked longer ago reads the whole organisation
	journalBytes = 64 << 10  // of an entry; a larger change leaves none
	journalSteps = 200       // entries that are followed at most
)

// entry is what one change did. Of departments, posts and categories it has what decisions need, and no names.
type entry struct {
	From versions      `json:"from"`
	To   versions      `json:"to"`
	Set  *Organisation `json:"set"`
	Gone []table.Key   `json:"gone,omitempty"`
}

// versions are those of a version without its tenant.
type versions struct {
	Authz int64 `json:"authz"`
	Org   int64 `json:"org"`
}

func (v version) versions() versions { return versions{v.authz, v.org} }

// journal stages the entry of the change that leads from one version to the other.
func journal(c *change.Set, from, to version) {
	if from == to {
		return
	}
	c.Last(func(staged []table.Write) ([]table.Write, error) {
		e := entry{From: from.versions(), To: to.versions(), Set: newOrganisation()}
		for _, w := range staged {
			switch {
			case w.Op == table.OpCheck || !decides(from.tenant, w.Item.Key):
			case w.Op == table.OpDelete:
				e.Gone = append(e.Gone, w.Item.Key)
			default:
				if err := e.Set.put(w.Item); err != nil {
					return nil, fault.New(fault.Internal, "internal").Because(err)
				}
			}
		}
		doc, err := json.Marshal(e, json.Deterministic(true))
		if err != nil {
			return nil, fault.New(fault.Internal, "internal").Because(err)
		}
		if len(doc) > journalBytes {
			return nil, nil
		}
		it := table.Item{Key: key.RightsJournal(to.tenant, to.authz, to.org), Doc: doc, Expires: c.Now.Add(journalLife)}
		return []table.Write{table.Put(it, table.Absent)}, nil
	})
}

// follow brings the organisation from one version to the other; the given one is not touched. nil without an error when the journal does not
// lead there.
func (a *Access) follow(ctx context.Context, o *Organisation, from, to version) (*Organisation, error) {
	if from == to {
		return o, nil
	}
	page, err := a.table.Query(ctx, table.Query{
		PK:   key.RightsJournal(to.tenant, 0, 0).PK,
		From: key.RightsJournal(from.tenant, from.authz, from.org).SK, To: key.RightsJournal(to.tenant, to.authz, to.org).SK, Limit: journalSteps + 1,
	})
	if err != nil {
		return nil, err
	}
	steps := page.Items
	if len(steps) > 0 && steps[0].SK == key.RightsJournal(from.tenant, from.authz, from.org).SK {
		steps = steps[1:] // what led to where we are
	}
	after, at := o.Clone(), from.versions()
	for _, it := range steps {
		var e entry
		if err := json.Unmarshal(it.Doc, &e); err != nil {
			return nil, fault.New(fault.Internal, "internal").Because(err)
		}
		if e.From != at {
			return nil, nil
		}
		after.merge(e.Set)
		for _, k := range e.Gone {
			after.remove(k)
		}
		at = e.To
	}
	if at != to.versions() {
		return nil, nil
	}
	return after, nil
}
