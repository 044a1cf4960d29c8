package accounts

import (
	"context"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
)

var filters = []edge.Param{
	{Name: "ownerId", Description: "only accounts of this owner"},
	{Name: "departmentId", Description: "only accounts of this department, without those below it"},
	{Name: "categoryId", Description: "only accounts of this category"},
	{Name: "status", Description: "only accounts of this status", Enum: []string{string(account.Active), string(account.Inactive)}},
	{Name: "type", Description: "only accounts of this type", Enum: account.Types},
	{Name: "valueTier", Description: "only accounts of this value tier", Enum: account.ValueTiers},
	{Name: "stage", Description: "only accounts of this stage", Enum: account.Stages},
}

func list(a *account.Accounts) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.List[account.Account]], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.List[account.Account]], error) {
		q, err := query(r)
		if err != nil {
			return nil, err
		}
		page, err := a.List(ctx, r.Who, q)
		return paged(page, err)
	}
}

func paged(page *account.Page, err error) (*edge.Reply[edge.List[account.Account]], error) {
	if err != nil {
		return nil, err
	}
	body := edge.List[account.Account]{Items: page.Items}
	if page.Count != nil {
		body.Count = &edge.Count{Value: page.Count.Value, Exact: page.Count.Exact, AsOf: page.Count.AsOf, Why: string(page.Count.Why)}
	}
	return &edge.Reply[edge.List[account.Account]]{Body: body, Next: page.Next}, nil
}

// query reads the filters. A filter on a field that is hidden from the caller is answered as one that does not exist; an id that is none is
// refused, since it would look like an owner without accounts.
func query(r *edge.Request[edge.None]) (account.Query, error) {
	q := account.Query{
		Limit: r.Page.Limit, After: r.Page.After, Count: r.Page.Count,
		Status: account.Status(r.Query.Get("status")), Type: r.Query.Get("type"), ValueTier: r.Query.Get("valueTier"), Stage: r.Query.Get("stage"),
	}
	for _, p := range filters {
		field := p.Name
		if field == "categoryId" {
			field = "categoryIds"
		}
		if r.Query.Has(p.Name) && !account.Filterable(r.Who, field) {
			return q, fault.New(fault.Malformed, "unknown_field").With(fault.At("/"+p.Name, "unknown_field"))
		}
	}
	var err error
	if s := r.Query.Get("ownerId"); s != "" {
		if q.Owner, err = id.Parse[id.User](s); err != nil {
			return q, fault.New(fault.Malformed, "invalid_id").With(fault.At("/ownerId", "invalid_id"))
		}
	}
	if s := r.Query.Get("departmentId"); s != "" {
		if q.Department, err = id.Parse[id.Department](s); err != nil {
			return q, fault.New(fault.Malformed, "invalid_id").With(fault.At("/departmentId", "invalid_id"))
		}
	}
	if s := r.Query.Get("categoryId"); s != "" {
		if q.Category, err = id.Parse[id.Category](s); err != nil {
			return q, fault.New(fault.Malformed, "invalid_id").With(fault.At("/categoryId", "invalid_id"))
		}
	}
	return q, nil
}
