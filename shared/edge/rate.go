package edge

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/steward-crm/steward/shared/fault"
)

// buckets is one token bucket for each name, of a bounded number of names. A forgotten name starts with a full bucket: whoever wants to be
// forgotten has to send from more addresses than are remembered.
type buckets struct {
	rate  Rate
	names *lru.Cache[string, *rate.Limiter]
}

func newBuckets(r Rate, remembered int) *buckets {
	c, err := lru.New[string, *rate.Limiter](remembered)
	if err != nil {
		panic("edge: " + err.Error()) // only for a size below one, which Limits.fill excludes
	}
	return &buckets{rate: r, names: c}
}

// take answers nil, or Exhausted rate_limited with the time until the next token.
func (b *buckets) take(name string, now time.Time) error {
	if b.rate.PerSecond < 0 {
		return nil
	}
	l, ok := b.names.Get(name)
	if !ok {
		l = rate.NewLimiter(rate.Limit(b.rate.PerSecond), b.rate.Burst)
		if was, found, _ := b.names.PeekOrAdd(name, l); found {
			l = was
		}
	}
	if l.AllowN(now, 1) {
		return nil
	}
	r := l.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	r.CancelAt(now)
	return fault.New(fault.Exhausted, "rate_limited").After(max(wait, time.Second))
}

// sourceKey is what a source's rate is counted by: an IPv6 network of 64 bits is one source, because one client has it all.
func (x *exchange) sourceKey() string {
	if x.source.Is6() && !x.source.Is4In6() {
		if p, err := x.source.Prefix(64); err == nil {
			return p.Masked().Addr().String()
		}
	}
	return x.source.String()
}

// sourceOf is the client's address: the peer's, or the last one of X-Forwarded-For that no trusted proxy holds when the peer is one.
func (s *server) sourceOf(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := peer.Addr().Unmap().WithZone("")
	if !s.trusted(addr) {
		return addr
	}
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return addr
		}
		addr = hop.Unmap().WithZone("")
		if !s.trusted(addr) {
			return addr
		}
	}
	return addr
}

func (s *server) trusted(a netip.Addr) bool {
	for _, p := range s.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
