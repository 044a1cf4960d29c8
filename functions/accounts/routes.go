// Package accounts is the API of accounts, the customers of a tenant, and of the contacts at each of them.
package accounts

import (
	"net/http"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/category"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/user"
)

// Routes are the operations of accounts and contacts.
func Routes(p *platform.Platform) []edge.Route {
	rights := access.New(p.Table, p.Now)
	owners := user.New(p.Table, p.Crypt, rights, nil) // only asked who may own: it starts no job
	a := account.New(p.Table, p.Crypt, owners).Filed(category.New(p.Table, rights, p.Crypt))
	may := func(action policy.Action) edge.Access { return edge.May(policy.ModAccount, action) }
	mayContact := func(action policy.Action) edge.Access { return edge.May(policy.ModContact, action) }
	const one, contacts, contact = "/v1/accounts/{id}", "/v1/accounts/{id}/contacts", "/v1/accounts/{id}/contacts/{contactId}"
	return []edge.Route{
		edge.Handle(edge.Route{
			Operation: "accounts.create", Method: http.MethodPost, Path: "/v1/accounts", Access: may(policy.Create), Status: http.StatusCreated,
			Summary: "Creates an account with its contacts. The owner is the caller unless another active user is named, which needs the right to transfer.",
		}, create(a)),
		edge.Handle(edge.Route{
			Operation: "accounts.list", Method: http.MethodGet, Path: "/v1/accounts", Access: may(policy.View), List: true,
			Summary: "Lists the accounts that the caller may see, newest update first. A page may be short and have a nextCursor when a filter passed over many.",
			Query:   filters,
		}, list(a)),
		edge.Handle(edge.Route{
			Operation: "accounts.get", Method: http.MethodGet, Path: one, Access: may(policy.View),
			Summary: "Reads an account with its first fifty contacts.",
		}, get(a)),
		edge.Handle(edge.Route{
			Operation: "accounts.update", Method: http.MethodPatch, Path: one, Access: may(policy.Update),
			Summary: "Changes an account by a JSON merge patch. The owner is not changed here.",
		}, update(a)),
		edge.Handle(edge.Route{
			Operation: "accounts.deactivate", Method: http.MethodPost, Path: one + "/deactivate", Access: may(policy.Update),
			Summary: "Puts an account away: all data is kept, nothing can be changed until it is reactivated.",
		}, deactivate(a)),
		edge.Handle(edge.Route{
			Operation: "accounts.reactivate", Method: http.MethodPost, Path: one + "/reactivate", Access: may(policy.Update),
			Summary: "Takes a deactivated account up again, with the data it was put away with.",
		}, reactivate(a)),
		accessRoute(p, a),
		edge.Handle(edge.Route{
			Operation: "accounts.history", Method: http.MethodGet, Path: one + "/history", Access: may(policy.View), List: true,
			Summary: "Lists the changes of an account and its contacts, newest first, with the values as the caller may see them today.",
		}, history(a)),
		edge.Handle(edge.Route{
			Operation: "accounts.reveal", Method: http.MethodPost, Path: one + "/reveal", Access: may(policy.Reveal), Secret: true,
			Summary: "Shows the whole of one field that is masked from the caller, for a reason; both are in the audit before the answer is given.",
		}, reveal(a)),
		edge.Handle(edge.Route{
			Operation: "contacts.reveal", Method: http.MethodPost, Path: contact + "/reveal", Access: mayContact(policy.Reveal), Secret: true,
			Summary: "Shows the whole of one field of a contact that is masked from the caller, for a reason.",
		}, revealContact(a)),
		edge.Handle(edge.Route{
			Operation: "contacts.create", Method: http.MethodPost, Path: contacts, Access: mayContact(policy.Create), Status: http.StatusCreated,
			Summary: "Adds a contact to an account. The first contact is primary; another that says so takes its place.",
		}, createContact(a)),
		edge.Handle(edge.Route{
			Operation: "contacts.list", Method: http.MethodGet, Path: contacts, Access: mayContact(policy.View), List: true,
			Summary: "Lists the contacts of an account, oldest first.",
		}, listContacts(a)),
		edge.Handle(edge.Route{
			Operation: "contacts.get", Method: http.MethodGet, Path: contact, Access: mayContact(policy.View),
			Summary: "Reads a contact.",
		}, getContact(a)),
		edge.Handle(edge.Route{
			Operation: "contacts.update", Method: http.MethodPatch, Path: contact, Access: mayContact(policy.Update),
			Summary: "Changes a contact by a JSON merge patch. Making it primary takes the mark from the one that had it.",
		}, updateContact(a)),
		edge.Handle(edge.Route{
			Operation: "contacts.delete", Method: http.MethodDelete, Path: contact, Access: mayContact(policy.Delete),
			Summary: "Removes a contact. If it was primary, the oldest of the others becomes primary.",
		}, deleteContact(a)),
	}
}
