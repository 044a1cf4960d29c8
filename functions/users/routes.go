// Package users is the API of a tenant's users: inviting them, changing them, locking them out and deleting them.
package users

import (
	"net/http"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/preview"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/user"
)

// Routes are the operations of users.
func Routes(p *platform.Platform) []edge.Route {
	s := store(p)
	owned := account.New(p.Table, p.Crypt, nil, s)
	foretell := preview.Of(access.New(p.Table, p.Now), owned)
	may := func(a policy.Action) edge.Access { return edge.May(policy.ModUser, a) }
	const one = "/v1/users/{id}"
	return []edge.Route{
		edge.Handle(edge.Route{
			Operation: "users.create", Method: http.MethodPost, Path: "/v1/users", Access: may(policy.Create), Preview: foretell, Status: http.StatusCreated,
			Summary: "Invites a user: the status is invited until the first sign-in, and an invitation is sent by e-mail.",
		}, create(s)),
		edge.Handle(edge.Route{
			Operation: "users.createInDepartment", Method: http.MethodPost, Path: "/v1/departments/{id}/users", Access: may(policy.Create), Preview: foretell,
			Status: http.StatusCreated, Summary: "Invites a user into the department: the same as creating a user with this departmentId.",
		}, createInDepartment(s)),
		edge.Handle(edge.Route{
			Operation: "users.list", Method: http.MethodGet, Path: "/v1/users", Access: may(policy.View), List: true,
			Summary: "Lists the users that the caller may see, by name. A page may be short and have a nextCursor when a filter passed over many.",
			Query: []edge.Param{
				{Name: "status", Description: "Only users of this status.", Enum: []string{
					string(principal.UserInvited), string(principal.UserActive), string(principal.UserInactive),
				}},
				{Name: "departmentId", Description: "Only users of this department, without those below it."},
			},
		}, list(s)),
		edge.Handle(edge.Route{
			Operation: "users.get", Method: http.MethodGet, Path: one, Access: may(policy.View), Summary: "Reads a user.",
		}, get(s)),
		edge.Handle(edge.Route{
			Operation: "users.update", Method: http.MethodPatch, Path: one, Access: may(policy.Update), Preview: foretell,
			Summary: "Changes a user by a JSON merge patch. A changed address becomes unverified. Roles are not changed here.",
		}, update(s)),
		edge.Handle(edge.Route{
			Operation: "users.delete", Method: http.MethodDelete, Path: one, Access: may(policy.Delete), Preview: foretell,
			Summary: "Deletes a user for good: one who was deactivated and owns nothing, or an invitation that is taken back.",
		}, remove(s, owned)),
		edge.Handle(edge.Route{
			Operation: "users.deactivate", Method: http.MethodPost, Path: one + "/deactivate", Access: may(policy.Update), Preview: foretell,
			Summary: "Locks a leaver out from the next request on. What the user owns stays until it is transferred.",
		}, on(s.Deactivate)),
		edge.Handle(edge.Route{
			Operation: "users.reactivate", Method: http.MethodPost, Path: one + "/reactivate", Access: may(policy.Update), Preview: foretell,
			Summary: "Takes a deactivated user back, with the same id, place and roles. Sessions stay ended.",
		}, on(s.Reactivate)),
		edge.Handle(edge.Route{
			Operation: "users.resendInvitation", Method: http.MethodPost, Path: one + "/resend-invitation", Access: may(policy.Update),
			Summary: "Sends an invited user a new invitation, at most one a minute.",
		}, on(s.ResendInvitation)),
		edge.Handle(edge.Route{
			Operation: "users.signOut", Method: http.MethodPost, Path: one + "/sign-out", Access: may(policy.Update),
			Summary: "Ends every session of a user.",
		}, on(s.SignOut)),
		edge.Handle(edge.Route{
			Operation: "users.setRoles", Method: http.MethodPut, Path: one + "/roles", Access: may(policy.Update), Preview: foretell,
			Summary: "Replaces the roles that a user holds directly. Nobody gives a role that they do not hold as widely themselves.",
		}, setRoles(s)),
		edge.Handle(edge.Route{
			Operation: "users.holdings", Method: http.MethodGet, Path: one + "/holdings", Access: may(policy.View),
			Summary: "Tells what a user owns, heads and holds: what has to find another hand before the user can be deleted.",
		}, holdings(s, owned)),
	}
}

func store(p *platform.Platform) *user.Store {
	return user.New(p.Table, p.Crypt, access.New(p.Table, p.Now), job.New(p.Table, p.IDs, p.Now))
}
