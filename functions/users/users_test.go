package users_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/functions/accounts"
	"github.com/steward-crm/steward/functions/org"
	"github.com/steward-crm/steward/functions/users"
	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/notify/local"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/role"
	"github.com/steward-crm/steward/shared/user"
)

// office is a tenant with its administrator, spoken to over HTTP.
type office struct {
	*edgetest.Deployment
	tenant id.Tenant
	roles  map[string]id.Role
	store  *user.Store
	api    *edgetest.Server
	admin  edgetest.Client
}

func newOffice(t *testing.T) *office {
	t.Helper()
	d := edgetest.Deploy(t)
	o := &office{Deployment: d, tenant: d.Tenant(t)}
	a := access.New(d.Table, d.Now)
	o.store = user.New(d.Table, d.Crypt, a, job.New(d.Table, d.IDs, d.Now))
	o.system(t, func(c *change.Set) (err error) {
		o.roles, err = role.New(d.Table, a, d.Crypt).StagePredefined(t.Context(), c, o.tenant)
		return err
	})
	var u user.User
	o.system(t, func(c *change.Set) (err error) {
		items, err := d.Table.Get(t.Context(), key.Tenant(o.tenant))
		if err != nil {
			return err
		}
		var row principal.Tenant
		if err := json.Unmarshal(items[0].Doc, &row); err != nil {
			return err
		}
		u, err = o.store.Invite(t.Context(), c, row, items[0].Version, user.Draft{
			Name: "Ada", Email: "ada@acme.example", Roles: []id.Role{o.roles["administrator"]},
		})
		return err
	})
	o.activate(t, u.ID)
	o.api = edgetest.Serve(t, d.Platform, slices.Concat(users.Routes(d.Platform), org.Routes(d.Platform), accounts.Routes(d.Platform)))
	o.admin = o.as(u.ID)
	return o
}

func (o *office) system(t *testing.T, stage func(*change.Set) error) {
	t.Helper()
	if err := change.Run(t.Context(), o.Table, principal.System(o.tenant, "test", o.Now()), o.IDs, o.Now, stage); err != nil {
		t.Fatal(err)
	}
}

// activate stands for the first sign-in.
func (o *office) activate(t *testing.T, u id.User) {
	t.Helper()
	o.system(t, func(c *change.Set) error {
		_, err := o.store.Activate(t.Context(), c, o.tenant, u)
		return err
	})
}

func (o *office) as(u id.User) edgetest.Client {
	return o.api.As(edgetest.Who{Tenant: o.tenant, User: u})
}

type body struct {
	ID      id.User       `json:"id"`
	Name    string        `json:"name"`
	Email   string        `json:"email"`
	Status  string        `json:"status"`
	Dept    id.Department `json:"departmentId"`
	Roles   []id.Role     `json:"roleIds"`
	Posts   []id.Post     `json:"postIds"`
	Version int64         `json:"version"`
}

type m = map[string]any

// work runs every job that waits, as the worker does.
func (o *office) work(t *testing.T) {
	t.Helper()
	w := job.NewWorker(job.New(o.Table, o.IDs, o.Now), o.Feed, o.Log)
	w.HandleAll(users.Runners(o.Platform), users.MailRunners(o.Platform))
	if _, err := w.RunDue(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// TestLifeOfAUser follows a user from the invitation to the deletion: U01, U03, U04, U08, U09 and U10 through the API.
func TestLifeOfAUser(t *testing.T) {
	o := newOffice(t)
	var dept struct {
		ID id.Department `json:"id"`
	}
	o.admin.Post("/v1/departments", m{"name": "Sales"}).Want(t, 201, "").Read(t, &dept)
	var post struct {
		ID id.Post `json:"id"`
	}
	o.admin.Post("/v1/posts", m{"departmentId": dept.ID, "name": "Rep", "roleIds": []id.Role{o.roles["standard_user"]}}).Want(t, 201, "").Read(t, &post)

	var li, han body
	a := o.admin.Post("/v1/users", m{
		"name": "Li Lei", "email": "li@acme.example", "phone": "13800138000", "employeeNo": nil, "departmentId": dept.ID, "postIds": []id.Post{post.ID},
		"managerId": nil, "roleIds": []id.Role{}, "locale": "zh-CN",
	}).Want(t, 201, "").Read(t, &li)
	if li.Status != "invited" || a.Header.Get("Location") != "/v1/users/"+string(li.ID) || a.ETag() != `"1"` {
		t.Errorf("answered %s", a.Body)
	}
	// The same by way of the department (U01).
	o.admin.Post("/v1/departments/"+string(dept.ID)+"/users", m{"name": "Han", "email": "han@acme.example"}).Want(t, 201, "").Read(t, &han)
	if han.Dept != dept.ID {
		t.Error("the department of the path was not taken")
	}
	o.admin.Post("/v1/departments/dept_01JD3Z4T0X8Y6QH2N5W7R9K1MB/users", m{"name": "X", "email": "x@acme.example"}).Want(t, 404, "not_found")
	o.admin.Post("/v1/departments/"+string(dept.ID)+"/users", m{"name": "X", "email": "x@acme.example", "departmentId": dept.ID}).Want(t, 400, "unknown_field")

	o.work(t)
	var invitations []local.Item
	for _, m := range o.Outbox.Items() {
		if m.To == "li@acme.example" {
			invitations = append(invitations, m)
		}
	}
	if len(invitations) != 1 || invitations[0].Locale != "zh-CN" || invitations[0].TemporaryPassword == "" {
		t.Fatalf("was sent %+v", invitations)
	}
	// Not answered yet: no data, no accounts.
	o.as(li.ID).Get("/v1/accounts").Want(t, 401, "account_inactive")
	account := m{"name": "Lotus", "email": "l@lotus.example", "phone": "13800138000", "ownerId": li.ID}
	o.admin.Post("/v1/accounts", account).Want(t, 409, "owner_not_active")
	o.activate(t, li.ID)
	o.admin.Post("/v1/accounts", account).Want(t, 201, "")
	o.as(li.ID).Get("/v1/accounts").Want(t, 200, "")

	one := "/v1/users/" + string(li.ID)
	tag := o.admin.Get(one).Want(t, 200, "").ETag()
	o.admin.Patch(one, m{"name": "Li"}).Want(t, 428, "if_match_required")
	o.admin.IfMatch(`"1"`).Patch(one, m{"name": "Li"}).Want(t, 412, "version_conflict")
	tag = o.admin.IfMatch(tag).Patch(one, m{"name": "Li"}).Want(t, 200, "").ETag()
	o.admin.IfMatch(`"1"`).Post(one+"/deactivate", nil).Want(t, 412, "version_conflict")

	// A sub-account can do nothing to others, nor see them (U03).
	o.as(li.ID).Post("/v1/users", m{"name": "X", "email": "x@acme.example"}).Want(t, 403, "permission_denied")
	o.as(li.ID).IfMatch(tag).Put(one+"/roles", m{"roleIds": []id.Role{o.roles["administrator"]}}).Want(t, 403, "permission_denied")

	o.admin.IfMatch(tag).Delete(one).Want(t, 409, "user_owns_accounts")
	o.admin.Post(one+"/deactivate", nil).Want(t, 200, "").Read(t, &li)
	if li.Status != "inactive" || len(li.Posts) != 1 {
		t.Errorf("deactivated as %+v", li)
	}
	o.as(li.ID).Get("/v1/accounts").Want(t, 401, "account_inactive")
	o.admin.Post("/v1/accounts", account).Want(t, 409, "owner_not_active")
	o.admin.Post(one+"/deactivate", nil).Want(t, 200, "")
	o.admin.Post(one+"/reactivate", nil).Want(t, 200, "")
	o.Clock.Add(time.Second) // a sign-in of the second in which the sessions ended is dead
	o.as(li.ID).Get("/v1/accounts").Want(t, 200, "")
	tag = o.admin.Post(one+"/sign-out", nil).Want(t, 200, "").ETag()
	o.as(li.ID).Get("/v1/accounts").Want(t, 401, "token_invalid")
	var held struct {
		Accounts int       `json:"accounts"`
		Roles    []id.Role `json:"roleIds"`
	}
	o.admin.Get(one+"/holdings").Want(t, 200, "").Read(t, &held)
	if held.Accounts != 1 || len(held.Roles) != 1 {
		t.Errorf("holds %+v", held)
	}
	o.admin.IfMatch(tag).Delete(one).Want(t, 409, "user_owns_accounts")

	// The other one was never active and owns nothing: the invitation is taken back.
	two := "/v1/users/" + string(han.ID)
	o.admin.IfMatch(`"1"`).Delete(two).Want(t, 204, "")
	o.admin.Get(two).Want(t, 404, "not_found")
	o.admin.Post("/v1/users", m{"name": "Han", "email": "HAN@acme.example"}).Want(t, 201, "")
	o.work(t)
}

func TestBadInput(t *testing.T) {
	o := newOffice(t)
	before := edgetest.Dump(t, o.Table, edgetest.DeniedEvent)
	for _, row := range []struct {
		name   string
		body   any
		status int
		code   string
	}{
		{"an unknown field", m{"name": "A", "email": "a@acme.example", "extra": true}, 400, "unknown_field"},
		{"a right", m{"name": "A", "email": "a@acme.example", "isAdmin": true}, 400, "field_not_writable"},
		{"a status", m{"name": "A", "email": "a@acme.example", "status": "active"}, 400, "field_not_writable"},
		{"a version", m{"name": "A", "email": "a@acme.example", "version": 3}, 400, "field_not_writable"},
		{"an address that says it is verified", m{"name": "A", "email": "a@acme.example", "emailVerified": true}, 400, "field_not_writable"},
		{"a name that is no text", m{"name": 1, "email": "a@acme.example"}, 422, "wrong_type"},
		{"nothing", m{}, 422, "required"},
		{"no body", nil, 400, "body_required"},
		{"an address that is taken", m{"name": "A", "email": "ADA@acme.example"}, 409, "email_taken"},
		{"a department that is not there", m{"name": "A", "email": "a@acme.example", "departmentId": "../x"}, 422, "unknown_department"},
		{"a role that is not there", m{"name": "A", "email": "a@acme.example", "roleIds": []string{"role_x"}}, 422, "unknown_role"},
	} {
		a := o.admin.Post("/v1/users", row.body)
		if a.Status != row.status || a.Code() != row.code {
			t.Errorf("%s: answered %d %s, want %d %s", row.name, a.Status, a.Code(), row.status, row.code)
		}
		if strings.Contains(string(a.Body), "acme.example") {
			t.Errorf("%s: the answer repeats what was sent", row.name)
		}
	}
	for _, path := range []string{"/v1/users?limit=0", "/v1/users?status=deleted", "/v1/users?cursor=x", "/v1/users?sort=name"} {
		if a := o.admin.Get(path); a.Status != http.StatusBadRequest {
			t.Errorf("%s: answered %d %s", path, a.Status, a.Code())
		}
	}
	if edgetest.Dump(t, o.Table, edgetest.DeniedEvent) != before {
		t.Error("the store changed")
	}
}

// TestDryRun holds that validateOnly says what the real call would, and changes nothing.
func TestDryRun(t *testing.T) {
	o := newOffice(t)
	before := edgetest.Dump(t, o.Table)
	o.admin.Post("/v1/users?validateOnly=true", m{"name": "A", "email": "a@acme.example"})
	if a := o.admin.Post("/v1/users?validateOnly=true", m{"name": "A", "email": "ada@acme.example"}); a.Code() != "email_taken" {
		t.Errorf("answered %d %s", a.Status, a.Code())
	}
	if edgetest.Dump(t, o.Table) != before {
		t.Error("the store changed")
	}
}

func TestList(t *testing.T) {
	o := newOffice(t)
	for _, n := range []string{"Cem", "Ben"} {
		o.admin.Post("/v1/users", m{"name": n, "email": strings.ToLower(n) + "@acme.example"}).Want(t, 201, "")
	}
	var names []string
	for path := "/v1/users?limit=2&count=true"; path != ""; {
		var page struct {
			Items      []body     `json:"items"`
			NextCursor string     `json:"nextCursor"`
			Count      edge.Count `json:"count"`
		}
		o.admin.Get(path).Want(t, 200, "").Read(t, &page)
		for _, u := range page.Items {
			names = append(names, u.Name)
		}
		if page.Count.Value != 3 || !page.Count.Exact {
			t.Errorf("counted %+v", page.Count)
		}
		if path = ""; page.NextCursor != "" {
			path = "/v1/users?limit=2&count=true&cursor=" + page.NextCursor
		}
	}
	if strings.Join(names, " ") != "Ada Ben Cem" {
		t.Errorf("listed %v", names)
	}
	var page edge.List[body]
	o.admin.Get("/v1/users?status=active").Want(t, 200, "").Read(t, &page)
	if len(page.Items) != 1 {
		t.Errorf("%d are active", len(page.Items))
	}
}
