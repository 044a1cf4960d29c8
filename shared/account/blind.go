package account

import (
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// Fields of the blind indexes.
const (
	blindEmail        = "account.email"
	blindPhone        = "account.phone"
	blindContactEmail = "contact.email"
	blindContactPhone = "contact.phone"
)

// reindex stages the move of one blind index entry from the value it stood for to the value it stands for now; "" is none. at builds the
// entry's key from the token.
func reindex(c *change.Set, k *crypt.TenantKey, field, was, is string, at func(token string) table.Key) {
	if was == is {
		return
	}
	if was != "" {
		c.Delete(at(k.Blind(field, was)), table.Always, nil)
	}
	if is != "" {
		c.Put(table.Item{Key: at(k.Blind(field, is))}, table.Always, nil)
	}
}

func reindexAccount(c *change.Set, k *crypt.TenantKey, was, is *Account) {
	entry := func(field string) func(string) table.Key {
		return func(token string) table.Key { return key.Blind(c.Who.Tenant, field, token, is.ID) }
	}
	reindex(c, k, blindEmail, was.mail, is.mail, entry(blindEmail))
	reindex(c, k, blindPhone, string(was.Phone), string(is.Phone), entry(blindPhone))
}

func reindexContact(c *change.Set, k *crypt.TenantKey, a id.Account, x id.Contact, was, is *Contact) {
	entry := func(field string) func(string) table.Key {
		return func(token string) table.Key { return key.BlindContact(c.Who.Tenant, field, token, a, x) }
	}
	reindex(c, k, blindContactEmail, was.mail, is.mail, entry(blindContactEmail))
	reindex(c, k, blindContactPhone, string(was.Phone), string(is.Phone), entry(blindContactPhone))
}
