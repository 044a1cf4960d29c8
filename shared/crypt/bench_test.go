package crypt_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/crypt"
)

// against runs ours and the raw primitive in turn, in the same process and minute, and reports the medians of both and their ratio:
// what else the machine does then falls on few batches and not on the figures.
func against(b *testing.B, ours, raw func() error) {
	b.Helper()
	const batch = 64
	var tOurs, tRaw []time.Duration
	run := func(f func() error) time.Duration {
		t0 := time.Now()
		for range batch {
			if err := f(); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(t0)
	}
	for b.Loop() {
		tOurs = append(tOurs, run(ours))
		tRaw = append(tRaw, run(raw))
	}
	median := func(ds []time.Duration) float64 {
		slices.Sort(ds)
		return float64(ds[len(ds)/2].Nanoseconds()) / batch
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(tOurs), "ns/ours")
	b.ReportMetric(median(tRaw), "ns/raw")
	b.ReportMetric(median(tOurs)/median(tRaw), "×raw")
	b.ReportMetric(testing.AllocsPerRun(200, func() { _ = ours() }), "allocs/ours")
	b.ReportMetric(testing.AllocsPerRun(200, func() { _ = raw() }), "allocs/raw")
}

// raw is AES-256-GCM as anyone would write it: a random nonce before the ciphertext, one buffer, no additional data.
func raw(b *testing.B) (seal, open func([]byte) ([]byte, error)) {
	k := make([]byte, 32)
	_, _ = rand.Read(k)
	a, err := crypt.NewAEAD(k)
	if err != nil {
		b.Fatal(err)
	}
	seal = func(plain []byte) ([]byte, error) {
		out := make([]byte, 12, 12+len(plain)+16)
		if _, err := rand.Read(out); err != nil {
			return nil, err
		}
		return a.Seal(out, out, plain, nil), nil
	}
	open = func(sealed []byte) ([]byte, error) {
		return a.Open(make([]byte, 0, len(sealed)-28), sealed[:12], sealed[12:], nil)
	}
	return seal, open
}

func BenchmarkSeal(b *testing.B) {
	d := newDesk(b)
	_, k, _ := d.newAccount(d.newTenant())
	rawSeal, _ := raw(b)
	for _, n := range []int{20, 64, 200} {
		plain := make([]byte, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			against(b,
				func() error { _, err := k.Seal(here, plain); return err },
				func() error { _, err := rawSeal(plain); return err })
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	d := newDesk(b)
	_, k, _ := d.newAccount(d.newTenant())
	rawSeal, rawOpen := raw(b)
	for _, n := range []int{20, 64, 200} {
		sealed := d.seal(k, here, string(make([]byte, n)))
		theirs, err := rawSeal(make([]byte, n))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			against(b,
				func() error { _, err := k.Open(here, sealed); return err },
				func() error { _, err := rawOpen(theirs); return err })
		})
	}
}

// BenchmarkRecord is a contact of eight fields: packed and sealed, opened and unpacked, against raw AES-GCM over the same bytes.
func BenchmarkRecord(b *testing.B) {
	d := newDesk(b)
	_, k, _ := d.newAccount(d.newTenant())
	rawSeal, rawOpen := raw(b)
	packed := crypt.Pack(record)
	sealed := d.seal(k, here, string(packed))
	theirs, err := rawSeal(packed)
	if err != nil {
		b.Fatal(err)
	}
	sum := 0
	for _, m := range record {
		sum += len(m.Value)
	}
	b.Run("seal", func(b *testing.B) {
		against(b,
			func() error { _, err := k.Seal(here, crypt.Pack(record)); return err },
			func() error { _, err := rawSeal(packed); return err })
		b.ReportMetric(float64(len(sealed)-sum), "overhead-B")
	})
	b.Run("open", func(b *testing.B) {
		against(b,
			func() error {
				p, err := k.Open(here, sealed)
				if err == nil {
					_, err = crypt.Unpack(p)
				}
				return err
			},
			func() error { _, err := rawOpen(theirs); return err })
	})
}

func BenchmarkBlind(b *testing.B) {
	d := newDesk(b)
	k := d.tenant(d.newTenant())
	secret := make([]byte, 32)
	value := []byte("li.xuemei@example.com")
	for _, row := range []struct {
		name string
		raw  func() error
	}{
		{"against HMAC made anew", func() error {
			m := hmac.New(sha256.New, secret)
			m.Write(value)
			m.Sum(nil)
			return nil
		}},
		{"against HMAC kept", func() func() error {
			m := hmac.New(sha256.New, secret)
			m.Reset()
			return func() error {
				m.Reset()
				m.Write(value)
				m.Sum(nil)
				return nil
			}
		}()},
	} {
		b.Run(row.name, func(b *testing.B) {
			against(b, func() error { k.Blind("email", "li.xuemei@example.com"); return nil }, row.raw)
		})
	}
}

// BenchmarkAccountKey is what each account of a list costs before a field is opened.
func BenchmarkAccountKey(b *testing.B) {
	d := newDesk(b)
	ten := d.newTenant()
	a, _, it := d.newAccount(ten)
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := d.tenant(ten).NewAccount(a); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := d.tenant(ten).OpenAccount(a, it); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkTenant(b *testing.B) {
	d := newDesk(b)
	ten := d.newTenant()
	b.Run("warm", func(b *testing.B) {
		before := d.master.opened.Load()
		b.ReportAllocs()
		d.tenant(ten)
		for b.Loop() {
			if _, err := d.crypt.Tenant(ctx, ten); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(d.master.opened.Load()-before), "asks")
	})
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			d.crypt.Forget(ten)
			if _, err := d.crypt.Tenant(ctx, ten); err != nil {
				b.Fatal(err)
			}
		}
	})
}
