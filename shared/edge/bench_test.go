package edge_test

import (
	"bytes"
	"context"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// memory is a table without I/O: what edge costs by itself is left.
type memory struct {
	mu    sync.RWMutex
	items map[table.Key]table.Item
}

func (m *memory) Get(_ context.Context, keys ...table.Key) ([]table.Item, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]table.Item, 0, len(keys))
	for _, k := range keys {
		if it, ok := m.items[k]; ok {
			out = append(out, it)
		}
	}
	return out, nil
}

func (m *memory) Query(_ context.Context, q table.Query) (table.Page, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var p table.Page
	for k, it := range m.items {
		if k.PK == q.PK && strings.HasPrefix(k.SK, q.Prefix) {
			p.Items = append(p.Items, it)
		}
	}
	return p, nil
}

func (m *memory) Commit(context.Context, string, ...table.Write) error { return nil } // nothing is kept: the store stays small

func (m *memory) Scan(context.Context, int, int) iter.Seq2[table.Item, error] { return nil }

// wire is an account as the API takes and answers it: a body of 1 KB.
type wire struct {
	Name      string            `json:"name"`
	Type      string            `json:"type"`
	ValueTier string            `json:"valueTier"`
	Stage     string            `json:"stage"`
	Email     string            `json:"email"`
	Phone     string            `json:"phone"`
	Address   wireAddress       `json:"address"`
	Website   string            `json:"website"`
	Industry  string            `json:"industry"`
	Owner     string            `json:"owner,omitzero"`
	Contacts  []wireContact     `json:"contacts"`
	Custom    map[string]string `json:"custom"`
	CreatedAt time.Time         `json:"createdAt,omitzero"`
}

type wireAddress struct {
	Country, Region, City, Street, PostalCode string
}

type wireContact struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Email   string `json:"email"`
	Phone   string `json:"phone"`
	Primary bool   `json:"primary"`
}

var wireBody = sync.OnceValue(func() []byte {
	w := wire{
		Name: "上海某某国际贸易有限公司", Type: "enterprise", ValueTier: "high", Stage: "buying", Email: "office@example.com", Phone: "+862155551234",
		Address: wireAddress{"CN", "上海", "上海", "浦东新区世纪大道100号 环球金融中心 45楼", "200120"}, Website: "https://www.example.com/",
		Industry: "International trade and logistics",
		Contacts: []wireContact{
			{"王小明", "Head of purchasing", "xiaoming.wang@example.com", "+8613800138000", true},
			{"李雷", "Accountant", "lei.li@example.com", "+8613900139000", false},
			{"韩梅梅", "Warehouse", "meimei.han@example.com", "+8613700137000", false},
		},
		Custom: map[string]string{"segment": "import", "contract": "2026-0815", "remark": strings.Repeat("long-standing customer ", 5)},
	}
	b, err := json.Marshal(w)
	if err != nil {
		panic(err)
	}
	return b
})

type bench struct {
	api   http.Handler
	bare  http.Handler
	token string
}

// newBench serves one POST that stages an item and its event, and one GET, by edge over memory with real tokens, and the same by bare
// net/http with the same JSON library.
func newBench(b *testing.B) *bench {
	d := edgetest.Deploy(b)
	tenant := d.Tenant(b)
	who := d.User(b, tenant, everyThing...)
	m := &memory{items: map[table.Key]table.Item{}}
	for it, err := range d.Table.Scan(b.Context(), 0, 1) {
		if err != nil {
			b.Fatal(err)
		}
		m.items[it.Key] = it
	}
	p := newProvider()
	body := wireBody()
	var got wire
	if err := json.Unmarshal(body, &got); err != nil {
		b.Fatal(err)
	}
	routes := []edge.Route{
		edge.Handle(edge.Route{
			Operation: "accounts.create", Method: http.MethodPost, Path: "/v1/accounts", Status: http.StatusCreated,
			Access: edge.May(modThing, policy.Create), Summary: "x",
		}, func(_ context.Context, r *edge.Request[wire]) (*edge.Reply[wire], error) {
			a := id.New[id.Account](r.Change.IDs())
			r.Change.Put(table.Item{Key: thingKey(r.Who, id.Post(a)), Doc: body}, table.Absent, nil)
			r.Change.Record(audit.Event{Target: string(a)})
			return &edge.Reply[wire]{Body: r.In, Version: 1, Location: "/v1/accounts/" + string(a)}, nil
		}),
		edge.Handle(edge.Route{
			Operation: "accounts.get", Method: http.MethodGet, Path: "/v1/accounts/{id}", Access: edge.May(modThing, policy.View), Summary: "x",
		}, func(_ context.Context, r *edge.Request[edge.None]) (*edge.Reply[wire], error) {
			if _, err := edge.PathID[id.Account](r, "id"); err != nil {
				return nil, err
			}
			return &edge.Reply[wire]{Body: got, Version: 1}, nil
		}),
	}
	off := edge.Rate{PerSecond: 1e9, Burst: 1 << 30}
	api, err := edge.New(edge.Config{
		Routes: routes, Table: m, IDs: d.IDs, Now: d.Now, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)), Crypt: d.Crypt,
		Authenticator: edge.NewVerifier(p, d.Now), Subjects: access.New(m, d.Now),
		Limits: edge.Limits{Source: off, Tenant: off},
	})
	if err != nil {
		b.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/accounts", func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		var in wire
		if err == nil {
			err = json.Unmarshal(raw, &in)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answerBare(w, http.StatusCreated, &in)
	})
	mux.HandleFunc("GET /v1/accounts/{id}", func(w http.ResponseWriter, r *http.Request) { answerBare(w, http.StatusOK, &got) })
	return &bench{
		api: api, bare: mux,
		token: "Bearer " + p.sign(p.key, map[string]any{"alg": "RS256", "kid": "k1"}, p.claims(edgetest.Who(who), d.Now())),
	}
}

func answerBare(w http.ResponseWriter, status int, body *wire) {
	out, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(out)
}

// sink is a ResponseWriter that keeps nothing.
type sink struct {
	h      http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

func (x *bench) request(method, path string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Authorization", x.token)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Accept-Language", "zh-CN,zh;q=0.9,en;q=0.8")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
		r.ContentLength = int64(len(wireBody()))
	}
	return r
}

func (x *bench) run(b *testing.B, n int, h http.Handler, method, path string, status int) time.Duration {
	r, w := x.request(method, path), &sink{h: http.Header{}}
	body := bytes.NewReader(wireBody())
	start := time.Now()
	for range n {
		clear(w.h)
		if method == http.MethodPost {
			body.Reset(wireBody())
			r.Body = io.NopCloser(body)
		}
		h.ServeHTTP(w, r)
		if w.status != status {
			b.Fatalf("answered %d", w.status)
		}
	}
	return time.Since(start)
}

// cpuTime is what the process has used of the processors, its collector with it: it does not count waiting for a busy machine.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkEdge is the cost of edge without I/O, signature of the token and all, beside net/http with the same JSON work. Design §11 allows
// 100 µs of CPU and 150 allocations.
func BenchmarkEdge(b *testing.B) {
	for _, row := range []struct {
		name, method, path string
		status             int
	}{
		{"post", http.MethodPost, "/v1/accounts", http.StatusCreated},
		{"get", http.MethodGet, "/v1/accounts/acct_01JD3Z4T0X8Y6QH2N5W7R9K1MB", http.StatusOK},
	} {
		b.Run(row.name, func(b *testing.B) {
			x := newBench(b)
			b.ReportAllocs()
			b.ResetTimer()
			cpu := cpuTime(b)
			took := x.run(b, b.N, x.api, row.method, row.path, row.status)
			b.StopTimer()
			b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N), "cpu-ns/op")
			bare := x.run(b, b.N, x.bare, row.method, row.path, row.status)
			allocs := testing.AllocsPerRun(100, func() { x.run(b, 1, x.bare, row.method, row.path, row.status) })
			b.ReportMetric(float64(took)/float64(bare), "x-bare")
			b.ReportMetric(float64(bare.Nanoseconds())/float64(b.N), "bare-ns/op")
			b.ReportMetric(allocs, "bare-allocs/op")
		})
	}
}

// BenchmarkHostileBody is the cost of the worst bodies of 1 MB that are read: how much one request can ask for.
func BenchmarkHostileBody(b *testing.B) {
	const size = 1 << 20
	for name, body := range map[string]string{
		"elements":   `{"custom":[null` + strings.Repeat(",1", size/2-20) + `]}`,
		"members":    `{"parts":[` + strings.Repeat(`{"x":null},`, size/11-10) + `{}]}`,
		"nested":     `{"custom":` + strings.Repeat("[", 31) + strings.Repeat("null,", size/5-20) + `null` + strings.Repeat("]", 31) + `}`,
		"duplicates": `{"custom":{` + strings.Repeat(`"a":1,`, size/6-10) + `"a":1}}`,
		"string":     `{"name":"` + strings.Repeat(`\u0000`, size/6-10) + `","x":null}`,
	} {
		b.Run(name, func(b *testing.B) {
			raw := []byte(body)
			for b.Loop() {
				var d draft
				_ = edge.Decode(raw, &d)
			}
		})
	}
}
