// Package steward is Steward itself, whole: the nouns write its rows into a local store, access compiles every user's rights from them, policy
// decides, and account lists and counts. Nothing here is made for the benchmark but the loading.
package steward

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/steward-crm/steward/infra/bench/workload"
	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	keyslocal "github.com/steward-crm/steward/shared/keys/local"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
)

var (
	actions     = [...]policy.Action{workload.View: policy.View, workload.Edit: policy.Update, workload.Delete: policy.Delete}
	permissions = [...]policy.Permission{
		workload.View: policy.PermissionOf(policy.ModAccount, policy.View), workload.Edit: policy.PermissionOf(policy.ModAccount, policy.Update),
		workload.Delete: policy.PermissionOf(policy.ModAccount, policy.Delete),
	}
	scopes = [...]policy.Scope{
		workload.None: policy.None, workload.Own: policy.Own, workload.Reports: policy.Reports,
		workload.Department: policy.Department, workload.Subtree: policy.Subtree, workload.All: policy.All,
	}
	acts   = [...]policy.Acts{workload.MayRead: policy.ActsOf("read"), workload.MayEdit: policy.ActsOf("edit")}
	levels = [...]string{workload.MayRead: "read", workload.MayEdit: "edit"}
)

// Engine is a deployment with one tenant. For checks it keeps what the product keeps, the compiled rights of each user, and the accounts'
// grants as they are once a row is decoded; for lists and counts everything lies in the store, in a folder that does not wait for the disk.
type Engine struct {
	Keep string // a folder for loaded stores, which the next run finds; "" is a temporary one

	w    *workload.World
	dir  string
	kept bool // loaded by an earlier run

	store    *local.Store
	crypt    *crypt.Crypt
	ids      *id.Source
	access   *access.Access
	accounts *account.Accounts

	tenant      principal.Tenant
	users       []id.User
	departments []id.Department
	roles       []id.Role
	members     []policy.Grantee // the users
	shares      []policy.Grantee // the departments
	places      map[id.User]workload.DepartmentID
	subjects    []*policy.Subject // loaded, for checks
	resources   []policy.Resource // of accounts, as decisions see them
}

// Load writes the tenant, has the counters count it, and loads every user's rights.
func (e *Engine) Load(w *workload.World) error {
	ctx := context.Background()
	e.w = w
	if err := e.open(); err != nil {
		return err
	}
	steps := []func(context.Context) error{e.organise, e.fill, e.tally, e.remember, e.compile, e.records}
	if e.kept {
		steps = []func(context.Context) error{e.recall, e.compile, e.records}
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// open makes the deployment, or finds it.
func (e *Engine) open() (err error) {
	if err := e.house(); err != nil {
		return err
	}
	master, err := keyslocal.Open(filepath.Join(e.dir, "keys.json"), time.Now, rand.Reader)
	if err != nil {
		return err
	}
	if e.store, err = local.Open(filepath.Join(e.dir, "steward.db"), local.Options{Now: time.Now, NoSync: true}); err != nil {
		return err
	}
	e.crypt, e.ids = crypt.New(master, e.store, time.Now, rand.Reader), id.NewSource(time.Now, rand.Reader)
	e.access, e.accounts = e.over(e.store)
	return nil
}

// over gives the product over the table.
func (e *Engine) over(t table.Table) (*access.Access, *account.Accounts) {
	a := access.New(t, time.Now)
	return a, account.New(t, e.crypt, a, e).Counting(e.store)
}

// compile loads everybody, and counts once, so that what the product keeps in memory is in memory.
func (e *Engine) compile(ctx context.Context) error {
	for u := range e.w.Users {
		s, err := e.subject(ctx, e.access, workload.UserID(u))
		if err != nil {
			return err
		}
		e.subjects = append(e.subjects, s)
	}
	_, err := e.Count(0)
	return err
}

// subject loads the user as every request does.
func (e *Engine) subject(ctx context.Context, a *access.Access, u workload.UserID) (*policy.Subject, error) {
	now := time.Now()
	claims := identity.Claims{Name: identity.NameOf(e.tenant.ID, e.users[u]), Session: "bench", AuthTime: now}
	return a.Subject(ctx, claims, principal.Principal{Locale: "en", Operation: "accounts.list", At: now})
}

// records puts the accounts together as decisions see them: what account keeps of a row that it has read.
func (e *Engine) records(context.Context) error {
	e.resources = make([]policy.Resource, len(e.w.Accounts))
	for i := range e.w.Accounts {
		a, r := &e.w.Accounts[i], &e.resources[i]
		*r = policy.Resource{Tenant: e.tenant.ID, Owner: e.users[a.Owner], Department: e.departments[a.Department]}
		for _, m := range a.Team {
			if m.May != workload.Nothing {
				r.Grants = append(r.Grants, policy.RecordGrant{Kind: policy.KindTeam, To: e.members[m.User], On: acts[m.May]})
			}
		}
		if a.Share.May != workload.Nothing {
			r.Grants = append(r.Grants, policy.RecordGrant{Kind: policy.KindShare, To: e.shares[a.Share.Department], On: acts[a.Share.May]})
		}
	}
	return nil
}

// Check decides.
func (e *Engine) Check(u workload.UserID, do workload.Action, id workload.AccountID) (bool, error) {
	return policy.Allows(e.subjects[u], permissions[do], &e.resources[id]), nil
}

// FirstPage lists as a request does: it loads who asks, plans, reads the rows strongly, decides on each, opens and masks it.
func (e *Engine) FirstPage(u workload.UserID, n int) ([]workload.AccountID, error) {
	who, err := e.subject(context.Background(), e.access, u)
	if err != nil {
		return nil, err
	}
	page, err := e.accounts.List(context.Background(), who, account.Query{Limit: n})
	if err != nil {
		return nil, err
	}
	return ids(page)
}

// ids reads off their names which accounts they are.
func ids(page *account.Page) ([]workload.AccountID, error) {
	out := make([]workload.AccountID, len(page.Items))
	for i := range page.Items {
		at, err := strconv.Atoi(strings.TrimPrefix(page.Items[i].Name, named))
		if err != nil {
			return nil, err
		}
		out[i] = workload.AccountID(at)
	}
	return out, nil
}

// Count asks for the count beside a page of one, as the API does.
func (e *Engine) Count(u workload.UserID) (int, error) { return e.count(e.accounts, u) }

func (e *Engine) count(s *account.Accounts, u workload.UserID) (int, error) {
	who, err := e.subject(context.Background(), e.access, u)
	if err != nil {
		return 0, err
	}
	page, err := s.List(context.Background(), who, account.Query{Limit: 1, Count: true})
	if err != nil {
		return 0, err
	}
	if !page.Count.Exact {
		return 0, fmt.Errorf("at least %d: %s", page.Count.Value, page.Count.Why)
	}
	return page.Count.Value, nil
}

// ByStatus counts by status, which reads the accounts that grants add, and gives the sum.
func (e *Engine) ByStatus(u workload.UserID) (int, error) {
	who, err := e.subject(context.Background(), e.access, u)
	if err != nil {
		return 0, err
	}
	got, err := e.accounts.Stats(context.Background(), who, "status")
	if err != nil {
		return 0, err
	}
	n := 0
	for _, x := range got.Rows {
		n += x.Value
	}
	if !got.Exact {
		return n, fmt.Errorf("by status: %s", got.Why)
	}
	return n, nil
}

// Close ends the deployment and removes its folder, unless it is to be kept.
func (e *Engine) Close() {
	if e.store != nil {
		_ = e.store.Close()
	}
	if e.Keep == "" {
		_ = os.RemoveAll(e.dir) // a temporary folder
	}
}
