// Package signintest lets a test sign in as people do: the routes of auth, me and users over the laptop's adapters, with the provider's own
// tokens verified by the edge, jobs that run when the test says so, and an outbox to read codes from.
package signintest

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/functions/auth"
	"github.com/steward-crm/steward/functions/me"
	"github.com/steward-crm/steward/functions/users"
	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/key"
	notifylocal "github.com/steward-crm/steward/shared/notify/local"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/user"
)

// Passwords that the policy accepts.
const (
	First  = "Quiet-Otter-63-ladder"
	Second = "Brisk-Maple-18-kettle"
	Third  = "Amber-Falcon-27-anchor"
)

// World is a deployment with one tenant.
type World struct {
	*edgetest.Deployment
	API    *edgetest.Server
	Tenant id.Tenant
	Slug   string
	worker *job.Worker
}

// New opens a world.
func New(t testing.TB, options ...func(*edge.Config)) *World {
	t.Helper()
	w := &World{Deployment: edgetest.Deploy(t), Slug: "acme"}
	w.Tenant = w.AddTenant(t, w.Slug)
	return w.Over(t, w.Platform, options...)
}

// Over gives the same world with its API and its jobs over another platform, such as one that counts what is asked of it.
func (w *World) Over(t testing.TB, p *platform.Platform, options ...func(*edge.Config)) *World {
	t.Helper()
	tokens := func(c *edge.Config) { c.Authenticator = edge.NewVerifier(p.Identity, p.Now) }
	v := *w
	v.worker = job.NewWorker(job.New(p.Table, p.IDs, p.Now), nil, p.Log)
	v.worker.HandleAll(users.Runners(p), users.MailRunners(p), auth.Runners(p))
	v.API = edgetest.Serve(t, p, slices.Concat(auth.Routes(p), me.Routes(p), users.Routes(p)), append(options, tokens)...)
	return &v
}

// AddTenant makes an active tenant that has the slug.
func (w *World) AddTenant(t testing.TB, slug string) id.Tenant {
	t.Helper()
	tenant := w.Deployment.Tenant(t, func(row *principal.Tenant) { row.Slug = slug })
	doc, err := json.Marshal(map[string]any{"tenantId": tenant})
	if err != nil {
		t.Fatal(err)
	}
	w.Commit(t, table.Put(table.Item{Key: key.Slug(slug), Doc: doc}, table.Absent))
	return tenant
}

// Jobs runs what is due.
func (w *World) Jobs(t testing.TB) {
	t.Helper()
	if _, err := w.worker.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Person is a user with what they know.
type Person struct {
	Tenant   id.Tenant
	Slug     string
	ID       id.User
	Email    string
	Phone    string
	Password string
	Access   string
	Refresh  string
}

// Invited makes a user who has the invitation in the mailbox: Password is the temporary one.
func (w *World) Invited(t testing.TB, d user.Draft) *Person {
	t.Helper()
	return w.InvitedTo(t, w.Tenant, w.Slug, d)
}

// InvitedTo does so in another tenant.
func (w *World) InvitedTo(t testing.TB, tenant id.Tenant, slug string, d user.Draft) *Person {
	t.Helper()
	store := user.New(w.Table, w.Crypt, access.New(w.Table, w.Now), job.New(w.Table, w.IDs, w.Now))
	p := &Person{Tenant: tenant, Slug: slug, Email: d.Email, Phone: d.Phone}
	err := change.Run(t.Context(), w.Table, principal.System(tenant, "test.invite", w.Now()), w.IDs, w.Now, func(c *change.Set) error {
		items, err := w.Table.Get(t.Context(), key.Tenant(tenant))
		if err != nil {
			return err
		}
		var row principal.Tenant
		if err := json.Unmarshal(items[0].Doc, &row); err != nil {
			return err
		}
		u, err := store.Invite(t.Context(), c, row, items[0].Version, d)
		p.ID = u.ID
		return err
	})
	if err != nil {
		t.Fatalf("signintest: inviting: %v", err)
	}
	w.Jobs(t)
	p.Password = w.Mail(t, p.Email).TemporaryPassword
	return p
}

// Active makes a user who has answered the invitation with First and is signed in.
func (w *World) Active(t testing.TB, address string) *Person {
	t.Helper()
	p := w.Invited(t, user.Draft{Name: "李雷", Email: address})
	w.Answer(t, p)
	return p
}

// Answer answers the person's invitation with First.
func (w *World) Answer(t testing.TB, p *Person) {
	t.Helper()
	var out Outcome
	w.SignIn(p).Want(t, http.StatusOK, "").Read(t, &out)
	w.API.Anonymous().Post("/v1/auth/challenge", map[string]any{"session": out.Session, "newPassword": First}).
		Want(t, http.StatusOK, "").Read(t, &out)
	p.Password, p.Access, p.Refresh = First, out.AccessToken, out.RefreshToken
}

// Outcome is the answer of a sign-in.
type Outcome struct {
	AccessToken  string `json:"accessToken"`
	RefreshToken string `json:"refreshToken"`
	ExpiresIn    int    `json:"expiresIn"`
	Challenge    string `json:"challenge"`
	Session      string `json:"session"`
}

// SignIn tries the person's tenant, address and password.
func (w *World) SignIn(p *Person) *edgetest.Answer {
	return w.API.Anonymous().Post("/v1/auth/sign-in", map[string]any{"tenant": p.Slug, "email": p.Email, "password": p.Password})
}

// SignedIn signs the person in again, who has no second factor.
func (w *World) SignedIn(t testing.TB, p *Person) {
	t.Helper()
	var out Outcome
	w.SignIn(p).Want(t, http.StatusOK, "").Read(t, &out)
	if out.AccessToken == "" {
		t.Fatalf("signintest: sign-in asks for %q", out.Challenge)
	}
	p.Access, p.Refresh = out.AccessToken, out.RefreshToken
}

// As speaks with the person's access token.
func (w *World) As(p *Person) edgetest.Client {
	return w.API.Anonymous().With("Authorization", "Bearer "+p.Access)
}

// Mail gives the newest message to the address.
func (w *World) Mail(t testing.TB, to string) notifylocal.Item {
	t.Helper()
	for _, it := range w.Outbox.Items() {
		if it.To == to {
			return it
		}
	}
	t.Fatalf("signintest: nothing was sent to that address")
	return notifylocal.Item{}
}

// Sent counts the messages to the address.
func (w *World) Sent(to string) (n int) {
	for _, it := range w.Outbox.Items() {
		if it.To == to {
			n++
		}
	}
	return n
}

// Events gives the audit events about the person with the action, oldest first.
func (w *World) Events(t testing.TB, p *Person, action string) (out []audit.Event) {
	t.Helper()
	for it, err := range w.Table.Scan(t.Context(), 0, 1) {
		if err != nil {
			t.Fatal(err)
		}
		if e, err := audit.FromItem(it); err == nil && e.ID != "" && e.Target == string(p.ID) && e.Action == action {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b audit.Event) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return out
}

// RetryAfter gives the seconds to wait.
func RetryAfter(t testing.TB, a *edgetest.Answer) int {
	t.Helper()
	n, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if err != nil || n < 1 {
		t.Fatalf("signintest: Retry-After is %q", a.Header.Get("Retry-After"))
	}
	return n
}

var requestID = regexp.MustCompile(`"requestId":"[^"]*"`)

// Bytes is an answer without what differs between any two answers.
func Bytes(a *edgetest.Answer) string {
	return strconv.Itoa(a.Status) + requestID.ReplaceAllString(string(a.Body), "")
}
