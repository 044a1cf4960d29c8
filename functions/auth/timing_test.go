package auth_test

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/identity"
	identitylocal "github.com/steward-crm/steward/shared/identity/local"
	"github.com/steward-crm/steward/shared/signin/signintest"
)

// BenchmarkRefusal measures whether time tells why a sign-in was refused, with hashes at their real cost. It reports, for each reason, the
// area under the curve (AUC) of telling it from a wrong password by the time alone: 0.5 is chance, 1 is certainty. Run it with
// -benchtime=300x or more on a quiet machine.
func BenchmarkRefusal(b *testing.B) {
	w := signintest.New(b)
	p := w.Active(b, li)
	dir := b.TempDir()
	provider, err := identitylocal.Open(dir+"/identity", identitylocal.Options{Now: w.Now, Key: w.Master.Local("bench")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = provider.Close() })
	real := *w.Platform
	real.Identity = provider
	v := w.Over(b, &real)
	ctx := b.Context()
	name := identity.NameOf(p.Tenant, p.ID)
	if err := provider.CreateUser(ctx, name, p.Email, "", signintest.Second, time.Hour); err != nil {
		b.Fatal(err)
	}
	if err := provider.SetPassword(ctx, name, signintest.First); err != nil {
		b.Fatal(err)
	}
	reasons := []struct{ what, slug, email string }{
		{"wrong", "acme", p.Email}, {"wrong-again", "acme", p.Email}, {"unknown-user", "acme", "nobody@acme.example"}, {"unknown-tenant", "nowhere", p.Email},
	}
	took := make([][]float64, len(reasons))
	n := 0
	for b.Loop() {
		for _, i := range rand.Perm(len(reasons)) {
			n++
			from := "198.51." + strconv.Itoa(n/250%250) + "." + strconv.Itoa(n%250+1) + ":" + strconv.Itoa(1000+n/62500)
			begun := time.Now()
			a := v.API.Anonymous().From(from).Post("/v1/auth/sign-in",
				map[string]any{"tenant": reasons[i].slug, "email": reasons[i].email, "password": "wrong-Password-1"})
			took[i] = append(took[i], time.Since(begun).Seconds())
			if a.Status != http.StatusUnauthorized {
				b.Fatal(a.Status, a.Code())
			}
		}
	}
	for i := 1; i < len(reasons); i++ {
		b.ReportMetric(auc(took[0], took[i]), "AUC-"+reasons[i].what)
	}
}

func auc(a, b []float64) float64 {
	var wins float64
	for _, x := range a {
		for _, y := range b {
			switch {
			case x > y:
				wins++
			case x == y:
				wins += 0.5
			}
		}
	}
	u := wins / float64(len(a)*len(b))
	return max(u, 1-u)
}
