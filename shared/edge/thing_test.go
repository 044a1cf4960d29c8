package edge_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// A small resource of the test's own, with everything that edge has to serve: things of a tenant with a guard on their names.

type draft struct {
	Name    string            `json:"name"`
	Age     int               `json:"age,omitzero"`
	Small   int8              `json:"small,omitzero"`
	Share   float64           `json:"share,omitzero"`
	Open    bool              `json:"open,omitzero"`
	Born    time.Time         `json:"born,omitzero"`
	Parts   []part            `json:"parts,omitempty"`
	Address *address          `json:"address,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`
	Custom  jsontext.Value    `json:"custom,omitempty"`
}

type part struct {
	Title string `json:"title"`
	Count uint   `json:"count,omitzero"`
}

type address struct {
	City string `json:"city"`
}

type edit struct {
	Name patch.Field[string]  `json:"name,omitzero"`
	Note patch.Field[string]  `json:"note,omitzero"`
	Home patch.Field[address] `json:"home,omitzero"`
}

type thing struct {
	ID      id.Post `json:"id"`
	Name    string  `json:"name"`
	Version int64   `json:"version"`
}

const modThing = policy.ModCategory

type things struct {
	*edgetest.Deployment
	mu      sync.Mutex
	ran     int                         // handlers that ran
	detour  func(context.Context) error // called by create first
	before  func(run int)               // called by create before it answers
	between func()                      // called by patch between reading and answering
}

func (x *things) count() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ran++
	return x.ran
}

// touch raises the version of a thing behind everyone's back.
func (x *things) touch(t testing.TB, who edgetest.Who, path string) {
	x.Edit(t, key.Post(who.Tenant, id.Post(path[len("/v1/things/"):])), func(map[string]any) {})
}

func (x *things) deactivate(t testing.TB, who edgetest.Who) {
	x.Edit(t, key.User(who.Tenant, who.User), func(doc map[string]any) { doc["status"] = string(principal.UserInactive) })
}

func (x *things) locales(t testing.TB, who edgetest.Who, user, tenant string) {
	x.Edit(t, key.User(who.Tenant, who.User), func(doc map[string]any) { doc["locale"] = user })
	x.Edit(t, key.Tenant(who.Tenant), func(doc map[string]any) { doc["settings"].(map[string]any)["locale"] = tenant })
}

func thingKey(r *policy.Subject, p id.Post) table.Key { return key.Post(r.Tenant, p) }

func (x *things) create(ctx context.Context, r *edge.Request[draft]) (*edge.Reply[thing], error) {
	run := x.count()
	if x.detour != nil {
		if err := x.detour(ctx); err != nil {
			return nil, err
		}
	}
	if r.In.Name == "" {
		return nil, fault.Fields(fault.At("/name", "required"))
	}
	th := thing{ID: id.New[id.Post](r.Change.IDs()), Name: r.In.Name, Version: 1}
	doc, err := json.Marshal(th)
	if err != nil {
		return nil, err
	}
	r.Change.Put(table.Item{Key: thingKey(r.Who, th.ID), Doc: doc}, table.Absent, nil)
	guard := key.Unique(r.Who.Tenant, "thing", th.Name)
	r.Change.Put(table.Item{Key: guard, Doc: []byte(`{}`)}, table.Absent, fault.New(fault.Conflict, "role_name_taken"))
	r.Change.Record(audit.Event{Target: string(th.ID), Fields: []string{"name"}})
	if x.before != nil {
		x.before(run)
	}
	return &edge.Reply[thing]{Body: th, Version: 1, Location: "/v1/things/" + string(th.ID)}, nil
}

func (x *things) load(ctx context.Context, who *policy.Subject, p id.Post) (thing, int64, error) {
	var th thing
	items, err := x.Table.Get(ctx, thingKey(who, p))
	if err != nil {
		return th, 0, err
	}
	if len(items) == 0 {
		return th, 0, fault.New(fault.NotFound, "not_found")
	}
	err = json.Unmarshal(items[0].Doc, &th)
	th.Version = items[0].Version
	return th, items[0].Version, err
}

func (x *things) get(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[thing], error) {
	x.count()
	p, err := edge.PathID[id.Post](r, "id")
	if err != nil {
		return nil, err
	}
	th, v, err := x.load(ctx, r.Who, p)
	if err != nil {
		return nil, err
	}
	return &edge.Reply[thing]{Body: th, Version: v}, nil
}

func (x *things) patch(ctx context.Context, r *edge.Request[edit]) (*edge.Reply[thing], error) {
	x.count()
	p, err := edge.PathID[id.Post](r, "id")
	if err != nil {
		return nil, err
	}
	th, v, err := x.load(ctx, r.Who, p)
	if err != nil {
		return nil, err
	}
	if err := fault.Match(r.IfMatch, v); err != nil {
		return nil, err
	}
	if x.between != nil {
		x.between()
	}
	if th.Name == r.In.Name.Or(th.Name) {
		return &edge.Reply[thing]{Body: th, Version: v}, nil
	}
	th.Name, th.Version = r.In.Name.Or(th.Name), v+1
	doc, err := json.Marshal(th)
	if err != nil {
		return nil, err
	}
	r.Change.Put(table.Item{Key: thingKey(r.Who, p), Doc: doc}, table.VersionIs(v), nil)
	r.Change.Record(audit.Event{Target: string(p), Fields: []string{"name"}})
	return &edge.Reply[thing]{Body: th, Version: v + 1}, nil
}

func (x *things) list(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.List[thing]], error) {
	x.count()
	if q := r.Query.Get("q"); q != "" { // a list of nothing whose every page has a next one
		return &edge.Reply[edge.List[thing]]{Next: q}, nil
	}
	page, err := x.Table.Query(ctx, table.Query{
		PK: key.Organisation(r.Who.Tenant), Prefix: key.PostPrefix, Limit: r.Page.Limit, Cursor: r.Page.After,
	})
	if err != nil {
		return nil, err
	}
	out := &edge.Reply[edge.List[thing]]{Next: page.Cursor}
	for _, it := range page.Items {
		var th thing
		if err := json.Unmarshal(it.Doc, &th); err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, th)
	}
	return out, nil
}

func (x *things) remove(_ context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.None], error) {
	x.count()
	return nil, fault.New(fault.Denied, "permission_denied")
}

func (x *things) routes() []edge.Route {
	type hello struct {
		User string `json:"user"`
	}
	return []edge.Route{
		edge.Handle(edge.Route{
			Operation: "things.create", Method: http.MethodPost, Path: "/v1/things", Status: http.StatusCreated,
			Access: edge.May(modThing, policy.Create), Summary: "Creates a thing.",
		}, x.create),
		edge.Handle(edge.Route{
			Operation: "things.get", Method: http.MethodGet, Path: "/v1/things/{id}",
			Access: edge.May(modThing, policy.View), Summary: "Reads a thing.",
		}, x.get),
		edge.Handle(edge.Route{
			Operation: "things.update", Method: http.MethodPatch, Path: "/v1/things/{id}",
			Access: edge.May(modThing, policy.Update), Summary: "Changes a thing.",
		}, x.patch),
		edge.Handle(edge.Route{
			Operation: "things.list", Method: http.MethodGet, Path: "/v1/things", List: true,
			Query:  []edge.Param{{Name: "colour", Enum: []string{"red", "blue"}}, {Name: "q"}},
			Access: edge.May(modThing, policy.View), Summary: "Lists things.",
		}, x.list),
		edge.Handle(edge.Route{
			Operation: "things.delete", Method: http.MethodDelete, Path: "/v1/things/{id}",
			Access: edge.May(modThing, policy.View), Summary: "Always denied.",
		}, x.remove),
		edge.Handle(edge.Route{
			Operation: "things.secret", Method: http.MethodPost, Path: "/v1/things/secret", Secret: true,
			Access: edge.May(modThing, policy.View), Summary: "Answers something new each time.",
		}, func(_ context.Context, r *edge.Request[edge.None]) (*edge.Reply[hello], error) {
			x.count()
			return &edge.Reply[hello]{Body: hello{User: r.Change.IDs().ULID()}}, nil
		}),
		edge.Handle(edge.Route{
			Operation: "things.hello", Method: http.MethodGet, Path: "/v1/hello", Access: edge.Self(), Summary: "Says who asks.",
		}, func(_ context.Context, r *edge.Request[edge.None]) (*edge.Reply[hello], error) {
			x.count()
			return &edge.Reply[hello]{Body: hello{User: string(r.Who.User)}}, nil
		}),
		edge.Handle(edge.Route{
			Operation: "things.hook", Method: http.MethodPost, Path: "/hook", Access: edge.Public("signed"), Raw: true, Summary: "Takes bytes.",
		}, func(_ context.Context, r *edge.Request[edge.None]) (*edge.Reply[hello], error) {
			x.count()
			return &edge.Reply[hello]{Body: hello{User: string(r.Body) + r.Header.Get("X-Signature")}}, nil
		}),
		edge.Handle(edge.Route{
			Operation: "things.page", Method: http.MethodGet, Path: "/page/{name}", Access: edge.Public("a page"), Produces: "text/html",
			Summary: "Answers a page.",
		}, func(_ context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.Bytes], error) {
			x.count()
			return &edge.Reply[edge.Bytes]{
				Body:   edge.Bytes{Type: "text/html; charset=utf-8", Data: []byte("<p>" + edge.PathText(r, "name"))},
				Header: map[string]string{"Content-Security-Policy": "default-src 'self'"},
			}, nil
		}),
	}
}

var everyThing = []policy.Grant{
	{Module: modThing, Action: policy.View, Scope: policy.All},
	{Module: modThing, Action: policy.Create, Scope: policy.All},
	{Module: modThing, Action: policy.Update, Scope: policy.All},
}

// world is a deployment that serves things to one tenant's users.
type world struct {
	*things
	api   *edgetest.Server
	boss  edgetest.Who // may everything
	clerk edgetest.Who // has no role
}

func newWorld(t testing.TB, options ...func(*edge.Config)) *world {
	t.Helper()
	d := edgetest.Deploy(t)
	w := &world{things: &things{Deployment: d}}
	tenant := d.Tenant(t)
	w.boss, w.clerk = d.User(t, tenant, everyThing...), d.User(t, tenant)
	w.api = edgetest.Serve(t, d.Platform, w.routes(), options...)
	return w
}
