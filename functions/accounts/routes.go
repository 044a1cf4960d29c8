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
	"github.com/steward-crm/steward/shared/preview"
	"github.com/steward-crm/steward/shared/user"
)

// Routes are the operations of accounts and contacts.
func Routes(p *platform.Platform) []edge.Route {
	rights := access.New(p.Table, p.Now)
	owners := user.New(p.Table, p.Crypt, rights, nil) // only asked who may own: it starts no job
	a := account.New(p.Table, p.Crypt, rights, owners).Filed(category.New(p.Table, rights, p.Crypt)).Counting(p.Feed)
	may := func(action policy.Action) edge.Access { return edge.May(policy.ModAccount, action) }
	mayContact := func(action policy.Action) edge.Access { return edge.May(policy.ModContact, action) }
	const one, contacts, contact = "/v1/accounts/{id}", "/v1/accounts/{id}/contacts", "/v1/accounts/{id}/contacts/{contactId}"
	return append([]edge.Route{
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
			Operation: "accounts.counts", Method: http.MethodGet, Path: "/v1/accounts/counts", Access: may(policy.View),
			Summary: "Counts the accounts that the caller may see by owner, department, category, status, type, value tier or stage.",
			Query:   []edge.Param{{Name: "by", Description: "what to count by; status when absent", Enum: account.Dimensions()}},
		}, counts(a)),
		edge.Handle(edge.Route{
			Operation: "accounts.search", Method: http.MethodPost, Path: "/v1/accounts/search", Access: may(policy.View),
			Summary: "Finds accounts that the caller may see by a filter of and, or, not and conditions on fields, in an order of up to two keys.",
		}, search(a)),
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
	}, sharing(a, preview.Of(rights, a))...)
}

// sharing are the operations that open and close an account to others, and that change its owner.
func sharing(a *account.Accounts, foretell edge.Preview) []edge.Route {
	view, share, transfer := edge.May(policy.ModAccount, policy.View), edge.May(policy.ModAccount, policy.Share), edge.May(policy.ModAccount, policy.Transfer)
	const one = "/v1/accounts/{id}"
	return []edge.Route{
		edge.Handle(edge.Route{
			Operation: "accounts.setOwner", Method: http.MethodPut, Path: one + "/owner", Access: transfer, Preview: foretell,
			Summary: "Makes an active user the owner of an account. The department stays as it is unless it is named.",
		}, setOwner(a)),
		edge.Handle(edge.Route{
			Operation: "accounts.assign", Method: http.MethodPost, Path: "/v1/accounts/assign", Access: transfer, Preview: foretell,
			Summary: "Makes an active user the owner of up to twenty accounts, all or none.",
		}, assign(a)),
		edge.Handle(edge.Route{
			Operation: "team.set", Method: http.MethodPost, Path: one + "/team", Access: share, Status: http.StatusCreated, Preview: foretell,
			Summary: "Adds a user to the team of an account, or changes their place in it. Changes the version of the account.",
		}, give[account.TeamDraft](a, "/team")),
		edge.Handle(edge.Route{
			Operation: "team.list", Method: http.MethodGet, Path: one + "/team", Access: view, List: true,
			Summary: "Lists the team of an account.",
		}, listGrants(a, policy.KindTeam)),
		edge.Handle(edge.Route{
			Operation: "team.revoke", Method: http.MethodDelete, Path: one + "/team/{userId}", Access: share, Preview: foretell,
			Summary: "Takes a user out of the team of an account.",
		}, revoke(a, policy.KindTeam, "userId")),
		edge.Handle(edge.Route{
			Operation: "shares.set", Method: http.MethodPost, Path: one + "/shares", Access: share, Status: http.StatusCreated, Preview: foretell,
			Summary: "Shares an account with a user, a role or a department, or changes a share. Changes the version of the account.",
		}, give[account.ShareDraft](a, "/shares")),
		edge.Handle(edge.Route{
			Operation: "shares.list", Method: http.MethodGet, Path: one + "/shares", Access: share, List: true,
			Summary: "Lists with whom an account is shared.",
		}, listGrants(a, policy.KindShare)),
		edge.Handle(edge.Route{
			Operation: "shares.revoke", Method: http.MethodDelete, Path: one + "/shares/{granteeId}", Access: share, Preview: foretell,
			Summary: "Ends a share. The grantee is a user, role or department by its id, or a department with those below as dept_….below.",
		}, revoke(a, policy.KindShare, "granteeId")),
		edge.Handle(edge.Route{
			Operation: "overrides.set", Method: http.MethodPost, Path: one + "/overrides", Access: share, Status: http.StatusCreated, Preview: foretell,
			Summary: "Switches view, edit or delete of one account on or off for a user, a role or a department. Off beats everything that allows.",
		}, give[account.OverrideDraft](a, "/overrides")),
		edge.Handle(edge.Route{
			Operation: "overrides.list", Method: http.MethodGet, Path: one + "/overrides", Access: share, List: true,
			Summary: "Lists the switches of an account.",
		}, listGrants(a, policy.KindOverride)),
		edge.Handle(edge.Route{
			Operation: "overrides.revoke", Method: http.MethodDelete, Path: one + "/overrides/{granteeId}", Access: share, Preview: foretell,
			Summary: "Takes the switches for a grantee away.",
		}, revoke(a, policy.KindOverride, "granteeId")),
		edge.Handle(edge.Route{
			Operation: "temporary.set", Method: http.MethodPost, Path: one + "/temporary", Access: share, Status: http.StatusCreated, Preview: foretell,
			Summary: "Opens an account to a user until a time within ninety days, for a reason that the audit keeps.",
		}, give[account.TemporaryDraft](a, "/temporary")),
		edge.Handle(edge.Route{
			Operation: "temporary.list", Method: http.MethodGet, Path: one + "/temporary", Access: share, List: true,
			Summary: "Lists the temporary permissions on an account.",
		}, listGrants(a, policy.KindTemporary)),
		edge.Handle(edge.Route{
			Operation: "temporary.revoke", Method: http.MethodDelete, Path: one + "/temporary/{userId}", Access: share, Preview: foretell,
			Summary: "Ends a temporary permission before its time.",
		}, revoke(a, policy.KindTemporary, "userId")),
		edge.Handle(edge.Route{
			Operation: "temporary.holders", Method: http.MethodGet, Path: "/v1/temporary-permissions", Access: share, List: true,
			Summary: "Lists who holds temporary permissions on accounts that the caller may see and share, soonest end first.",
		}, listHolders(a)),
	}
}
