package account

import (
	"context"
	"slices"
	"strconv"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// How accounts are filed in categories. The account's document names them; an item for each, in a partition of the category that is read
// strongly, says so from the category's side and stands in the category's list in the order of all lists. Putting an account into a category
// checks at the commit that the category is there and raises key.Joined, which its deletion is conditioned on: of the two, whoever commits
// second sees the other.

// newly are the categories of next that the account does not have yet.
func (a *Account) newly(next *Account) []id.Category {
	had := a.Categories.IDs()
	return slices.DeleteFunc(next.Categories.IDs(), func(c id.Category) bool { return slices.Contains(had, c) })
}

// file judges categories that the account would be put into. One that does not exist joins the fields at fault; closed is Denied
// category_not_usable, which names those that are not the subject's to use. asked is what pointers count in.
func (s *Accounts) file(ctx context.Context, who *policy.Subject, newly []id.Category, asked []string, r *rules) (closed, err error) {
	if len(newly) == 0 {
		return nil, nil
	}
	unknown, shut := newly, []id.Category(nil)
	if s.filing != nil {
		if unknown, shut, err = s.filing.Usable(ctx, who, newly); err != nil {
			return nil, err
		}
	}
	pointer := func(c id.Category) string { return "/categoryIds/" + strconv.Itoa(slices.Index(asked, string(c))) }
	for _, c := range unknown {
		r.add(fault.At(pointer(c), "unknown_category"))
	}
	var at []fault.Field
	for _, c := range shut {
		at = append(at, fault.At(pointer(c), "category_not_usable"))
	}
	if at == nil {
		return nil, nil
	}
	return fault.New(fault.Denied, "category_not_usable").With(at...), nil
}

// enter stages that the account is of the category from now on.
func enter(c *change.Set, cat id.Category, at key.Listed) {
	c.Check(key.Category(at.Tenant, cat), table.Present, fault.Fields(fault.At("/categoryIds", "unknown_category")))
	c.Put(table.Item{Key: key.Joined(at.Tenant, cat)}, table.Always, nil)
	c.Put(categorised(cat, at), table.Always, nil)
}

// categorised is the item that says that the account is of the category.
func categorised(cat id.Category, at key.Listed) table.Item {
	return table.Item{
		Key: key.Categorised(at.Tenant, cat, at.Account), Index: map[table.Index]table.IndexKey{table.G2: at.InCategory(cat)},
	}
}

// CountInCategory is how many accounts are of the category, deactivated ones included, read strongly; when exact is false there are at least n.
func (s *Accounts) CountInCategory(ctx context.Context, t id.Tenant, c id.Category) (n int, exact bool, err error) {
	p, err := s.table.Query(ctx, table.Query{PK: key.CategorisedAs(t, c), Limit: table.MaxLimit})
	if err != nil {
		return 0, false, err
	}
	return len(p.Items), p.Cursor == "", nil
}
