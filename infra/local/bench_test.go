package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/edge"
)

// BenchmarkHTTP drives the whole process over HTTP on loopback, client and server on the same machine: create, get and list of 50 with 1, 8 and
// 64 clients at 1,000 and 100,000 accounts. A create is durable when it is answered. Its peer is a bare durable bbolt commit of the same bytes to a file
// that holds as much.
func BenchmarkHTTP(b *testing.B) {
	s := benchStory(b)
	n := 0
	for _, size := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("accounts=%d", size), func(b *testing.B) {
			n += s.fill(b, size-n)
			for _, clients := range []int{1, 8, 64} {
				b.Run(fmt.Sprintf("list50/clients=%d", clients), func(b *testing.B) {
					s.drive(b, clients, func(int) []byte { return s.get("/v1/accounts?limit=50") })
				})
				b.Run(fmt.Sprintf("get/clients=%d", clients), func(b *testing.B) {
					s.drive(b, clients, func(i int) []byte { return s.get("/v1/accounts/" + s.ids[(i*7919)%len(s.ids)]) })
				})
				b.Run(fmt.Sprintf("create/clients=%d", clients), func(b *testing.B) { s.drive(b, clients, s.create) })
			}
			peer := newBare(b, s.lastCommit(b), size)
			for _, clients := range []int{1, 8, 64} {
				b.Run(fmt.Sprintf("bare-bbolt/clients=%d", clients), func(b *testing.B) { s.drive(b, clients, peer.commit) })
			}
		})
	}
}

// BenchmarkStart is the time from nothing to the first answer, over a data folder that exists.
func BenchmarkStart(b *testing.B) {
	data := b.TempDir()
	for b.Loop() {
		p, err := start(config{addr: "127.0.0.1:0", data: data}, quiet())
		if err != nil {
			b.Fatal(err)
		}
		res, err := http.Get(p.url + "/healthz")
		if err != nil || res.StatusCode != http.StatusOK {
			b.Fatal(err, res)
		}
		_ = res.Body.Close()
		if err := p.stop(); err != nil {
			b.Fatal(err)
		}
	}
}

// bencher is the running server of a benchmark.
type bencher struct {
	*story
	token string
	http  *http.Client
	made  atomic.Int64

	mu  sync.Mutex
	ids []string
}

func benchStory(b *testing.B) *bencher {
	free := edge.Rate{PerSecond: -1}
	s, err := newStory(config{addr: "127.0.0.1:0", data: filepath.Join(b.TempDir(), "data"), limits: edge.Limits{Source: free, Tenant: free}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.process.stop() })
	s.ts = &testRunner{b, map[string]string{}}
	s.onboard([]string{"bench"})
	return &bencher{
		story: s, token: s.tokens["admin"],
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128, DisableCompression: true}},
	}
}

func (s *bencher) send(method, path string, body io.Reader, want int) []byte {
	req, err := http.NewRequest(method, s.process.url+path, body)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := s.http.Do(req)
	if err != nil {
		panic(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != want {
		panic(fmt.Sprintf("%s %s: %d %s %v", method, path, res.StatusCode, answer, err))
	}
	return answer
}

func (s *bencher) get(path string) []byte { return s.send(http.MethodGet, path, nil, http.StatusOK) }

func (s *bencher) create(int) []byte {
	n := s.made.Add(1)
	body := fmt.Sprintf(`{"name":"北京机械设备有限公司%07d","type":"enterprise","valueTier":"high","stage":"buying","email":"caigou%d@example.cn",`+
		`"phone":"138%08d","address":{"country":"CN","city":"北京","street":"工业路 %d 号"},"industry":"机械",`+
		`"contacts":[{"name":"张经理","title":"采购经理","phone":"137%08d","primary":true}]}`, n, n, n, n, n)
	return s.send(http.MethodPost, "/v1/accounts", strings.NewReader(body), http.StatusCreated)
}

// fill creates n accounts by 64 clients and remembers some of their ids.
func (s *bencher) fill(b *testing.B, n int) int {
	b.Helper()
	if n <= 0 {
		return 0
	}
	began := time.Now()
	var wg sync.WaitGroup
	for w := range 64 {
		wg.Go(func() {
			for i := w; i < n; i += 64 {
				answer := s.create(i)
				if _, rest, ok := bytes.Cut(answer, []byte(`"id":"acct_`)); ok && i%10 == 0 {
					s.mu.Lock()
					s.ids = append(s.ids, "acct_"+string(rest[:26]))
					s.mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	s.settle()
	b.Logf("%d accounts in %.1f s, %.0f a second", n, time.Since(began).Seconds(), float64(n)/time.Since(began).Seconds())
	return n
}

// settle waits for the audit log, which follows the changes: what is measured next is a server at rest.
func (s *bencher) settle() {
	for last := ""; ; {
		s.do(http.MethodGet, "/v1/audit/checkpoint", nil, http.Header{"Authorization": {"Bearer " + s.token}})
		if now := s.member("number"); now == last {
			return
		} else {
			last = now
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// drive sends b.N requests by the clients and reports requests a second and the times.
func (s *bencher) drive(b *testing.B, clients int, call func(i int) []byte) {
	times := make([]time.Duration, b.N)
	var next atomic.Int64
	b.ResetTimer()
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= b.N {
					return
				}
				began := time.Now()
				call(i)
				times[i] = time.Since(began)
			}
		})
	}
	wg.Wait()
	report(b, times)
}

func report(b *testing.B, times []time.Duration) {
	b.StopTimer()
	slices.Sort(times)
	at := func(p float64) float64 { return float64(times[int(p*float64(len(times)-1))]) / 1e6 }
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(0, "ns/op")
}

// lastCommit gives the sizes of the items of one create, as the feed tells them.
func (s *bencher) lastCommit(b *testing.B) []int {
	ctx := context.Background()
	store := s.process.store
	after := ""
	for {
		changes, next, err := store.Changes(ctx, after, 1000)
		if err != nil {
			b.Fatal(err)
		}
		if len(changes) == 0 {
			break
		}
		after = next
	}
	s.create(0)
	changes, _, err := store.Changes(ctx, after, 1000)
	if err != nil {
		b.Fatal(err)
	}
	sizes := []int{200} // the account's wrapped key, which the feed leaves out
	first := changes[0].At
	for _, c := range changes {
		if c.After != nil && c.At.Equal(first) {
			sizes = append(sizes, c.After.Size())
			for range c.After.Index {
				sizes = append(sizes, 100)
			}
		}
	}
	return sizes
}

// bare is a bbolt file without anything of ours.
type bare struct {
	b     *testing.B
	db    *bbolt.DB
	sizes []int
	n     atomic.Int64
}

var bucket = []byte("b")

// newBare fills the file with as many commits of the sizes as there are accounts, without waiting for the disk.
func newBare(b *testing.B, sizes []int, commits int) *bare {
	db, err := bbolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, &bbolt.Options{
		NoSync: true, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, // at its quickest
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	p := &bare{b: b, db: db, sizes: sizes}
	for done := 0; done < commits; done += 1000 {
		err := db.Update(func(tx *bbolt.Tx) error {
			if _, err := tx.CreateBucketIfNotExists(bucket); err != nil {
				return err
			}
			for range 1000 {
				if err := p.put(tx, p.n.Add(1)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Sync(); err != nil {
		b.Fatal(err)
	}
	db.NoSync = false
	return p
}

// put writes one commit's keys, scattered as hashes and ids scatter them.
func (p *bare) put(tx *bbolt.Tx, n int64) error {
	for i, size := range p.sizes {
		if err := tx.Bucket(bucket).Put(fmt.Appendf(nil, "%02d%08x%012d", i, uint32(n)*2654435761, n), make([]byte, size)); err != nil {
			return err
		}
	}
	return nil
}

// commit is one durable commit, joined with others as bbolt's own Batch does it.
func (p *bare) commit(int) []byte {
	n := p.n.Add(1)
	if err := p.db.Batch(func(tx *bbolt.Tx) error { return p.put(tx, n) }); err != nil {
		p.b.Fatal(err)
	}
	return nil
}

// BenchmarkMemoryAtRest reports the resident memory of the process after a start and a collection. It is the benchmark's own process, so it is
// an upper bound.
func BenchmarkMemoryAtRest(b *testing.B) {
	p, err := start(config{addr: "127.0.0.1:0", data: b.TempDir()}, quiet())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = p.stop() }()
	for b.Loop() {
		runtime.GC()
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	var kb float64
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			_, _ = fmt.Sscan(rest, &kb)
		}
	}
	b.ReportMetric(kb/1024, "MB-resident")
	b.ReportMetric(0, "ns/op")
}
