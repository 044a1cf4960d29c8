package account

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Suppose finds the accounts whose grants, owner, department or categories the writes change.
func (s *Accounts) Suppose(ctx context.Context, org principal.Tenant, writes []table.Write) ([]access.Supposition, error) {
	var out []access.Supposition
	for _, w := range writes {
		a := id.Account("")
		if w.Op == table.OpPut {
			a = key.AccountOf(org.ID, w.Item.Key)
		}
		if a == "" {
			continue
		}
		x := access.Supposition{Account: a, Before: policy.Resource{Tenant: org.ID, Shredded: true}} // made by the change: nobody could before
		docs, err := s.grantDocs(ctx, org.ID, a, "")
		if err != nil {
			return nil, err
		}
		items, err := s.table.Get(ctx, key.Account(org.ID, a))
		if err != nil {
			return nil, err
		}
		for _, it := range items {
			was, err := fromItem(it)
			if err != nil {
				return nil, err
			}
			was.grants, was.rest = recordGrants(docs), nil
			x.Before = was.resource(org.ID)
		}
		is, err := fromItem(w.Item)
		if err != nil {
			return nil, err
		}
		if docs, err = supposeGrants(org.ID, a, docs, writes); err != nil {
			return nil, err
		}
		is.grants, is.rest = recordGrants(docs), nil
		x.After = is.resource(org.ID)
		out = append(out, x)
	}
	return out, nil
}

func recordGrants(docs []grantDoc) []policy.RecordGrant {
	out := make([]policy.RecordGrant, len(docs))
	for i := range docs {
		out[i] = docs[i].RecordGrant
	}
	return out
}

// supposeGrants gives the account's grants after the writes.
func supposeGrants(t id.Tenant, a id.Account, docs []grantDoc, writes []table.Write) ([]grantDoc, error) {
	for _, w := range writes {
		if w.Op == table.OpCheck || w.Item.PK != key.AccountPartition(t, a) || !strings.HasPrefix(w.Item.SK, key.GrantPrefix) {
			continue
		}
		docs = slices.DeleteFunc(docs, func(d grantDoc) bool { return key.Grant(t, a, string(d.Kind), string(d.To)) == w.Item.Key })
		if w.Op == table.OpDelete {
			continue
		}
		var d grantDoc
		if err := json.Unmarshal(w.Item.Doc, &d); err != nil {
			return nil, fault.New(fault.Internal, "internal").Because(err)
		}
		docs = append(docs, d)
	}
	return docs, nil
}
