// Package keystest is the contract of keys.Keys: every adapter passes it, against its own service or an independent stand-in for one.
package keystest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/keys"
	"github.com/steward-crm/steward/shared/peertest"
)

// Subject is an adapter under test.
type Subject struct {
	Keys keys.Keys
	// SetState brings a master key into the state, from whichever it is in, as an operator would. It returns when the service
	// enforces it.
	SetState func(p keys.Purpose, s keys.State) error
}

// Run holds the adapter that open returns against the contract, but for what a stand-in lacks. open gives one whose master keys are enabled;
// the suite enables again what it disables.
func Run(t *testing.T, open func(t *testing.T) Subject, lacks ...peertest.Lacks) {
	has := peertest.Begin(t, lacks...).Has
	t.Run("data keys", func(t *testing.T) { dataKeys(t, open(t)) })
	t.Run("context", func(t *testing.T) { contexts(t, open(t), has) })
	t.Run("changed wrapped keys", func(t *testing.T) { changed(t, open(t), has) })
	t.Run("macs", func(t *testing.T) { macs(t, open(t)) })
	t.Run("one use a key", func(t *testing.T) { uses(t, open(t)) })
	if has("states") {
		t.Run("states", func(t *testing.T) { states(t, open(t)) })
	}
	t.Run("a cancelled call", func(t *testing.T) { cancelled(t, open(t)) })
	t.Run("many at once", func(t *testing.T) { concurrent(t, open(t)) })
}

var (
	ctx   = context.Background()
	where = keys.Context{"tenant": "tnt_01", "version": "1"}
)

func dataKeys(t *testing.T, s Subject) {
	plain, wrapped := generate(t, s, where)
	if len(plain) != 32 {
		t.Errorf("a data key of %d bytes", len(plain))
	}
	if bytes.Contains(wrapped, plain) {
		t.Error("the wrapped key shows the plain one")
	}
	again, other := generate(t, s, where)
	if bytes.Equal(plain, again) || bytes.Equal(wrapped, other) {
		t.Error("two data keys are the same")
	}
	opens(t, s, wrapped, where, plain)
	opens(t, s, other, where, again)
	opens(t, s, wrapped, where, plain) // opening spends nothing

	plain, wrapped = generate(t, s, nil)
	opens(t, s, wrapped, keys.Context{}, plain)
}

func contexts(t *testing.T, s Subject, has func(string) bool) {
	made := keys.Context{"a": "bc", "d": "e"}
	plain, wrapped := generate(t, s, made)
	opens(t, s, wrapped, keys.Context{"d": "e", "a": "bc"}, plain)
	for name, c := range map[string]keys.Context{
		"none":             nil,
		"a pair missing":   {"a": "bc"},
		"a pair more":      {"a": "bc", "d": "e", "f": "g"},
		"another value":    {"a": "bc", "d": "E"},
		"another name":     {"a": "bc", "D": "e"},
		"values exchanged": {"a": "e", "d": "bc"},
		"names for values": {"bc": "a", "e": "d"},
	} {
		refuses(t, "context with "+name, s, wrapped, c)
	}
	if has("contexts of the same letters") {
		refuses(t, "letters moved", s, wrapped, keys.Context{"ab": "c", "d": "e"})
		refuses(t, "one pair that is both", s, wrapped, keys.Context{"a": "bcde"})
	}
}

// changed keeps the first bytes apart: there a service may name the master key.
func changed(t *testing.T, s Subject, has func(string) bool) {
	const head = 64
	first := has("changes in the first bytes")
	_, wrapped := generate(t, s, where)
	// Both ends and some of the middle: a service that is asked over the network is asked 64 times, not 4,000.
	for i := range wrapped {
		if i < head && !first {
			continue
		}
		if i < 16 || i >= len(wrapped)-16 || i%max(1, len(wrapped)/32) == 0 {
			b := bytes.Clone(wrapped)
			b[i] ^= 1 << (i % 8)
			refuses(t, fmt.Sprintf("a flipped bit in byte %d", i), s, b, where)
		}
	}
	refuses(t, "nothing", s, nil, where)
	refuses(t, "one byte", s, wrapped[:1], where)
	refuses(t, "all but one byte", s, wrapped[:len(wrapped)-1], where)
	refuses(t, "a byte more", s, append(bytes.Clone(wrapped), 0), where)
	if first {
		refuses(t, "another thing", s, []byte(strings.Repeat("x", len(wrapped))), where)
	}
}

func macs(t *testing.T, s Subject) {
	mac := func(m string) []byte {
		t.Helper()
		b, err := s.Keys.Mac(ctx, keys.Audit, []byte(m))
		if err != nil || len(b) != 32 {
			t.Fatalf("MAC of %d bytes: %d bytes, %v", len(m), len(b), err)
		}
		return b
	}
	if !bytes.Equal(mac("checkpoint 1"), mac("checkpoint 1")) {
		t.Error("the same message has two MACs")
	}
	if bytes.Equal(mac("checkpoint 1"), mac("checkpoint 2")) {
		t.Error("two messages have the same MAC")
	}
	mac(strings.Repeat("x", 4096))
	for _, n := range []int{0, 4097} {
		if _, err := s.Keys.Mac(ctx, keys.Audit, make([]byte, n)); !fault.IsKind(err, fault.Internal) {
			t.Errorf("MAC of %d bytes: %v, want a fault of kind Internal", n, err)
		}
	}
}

// uses: a key that wraps makes no MACs and the other way round, as in KMS.
func uses(t *testing.T, s Subject) {
	_, wrapped := generate(t, s, where)
	for _, p := range []keys.Purpose{keys.Audit, "unheard-of", ""} {
		_, _, err := s.Keys.GenerateDataKey(ctx, p, where)
		unavailable(t, fmt.Sprintf("data key of %q", p), err)
		_, err = s.Keys.Decrypt(ctx, p, wrapped, where)
		unavailable(t, fmt.Sprintf("opening with %q", p), err)
	}
	for _, p := range []keys.Purpose{keys.Data, "unheard-of", ""} {
		_, err := s.Keys.Mac(ctx, p, []byte("m"))
		unavailable(t, fmt.Sprintf("MAC with %q", p), err)
	}
}

func states(t *testing.T, s Subject) {
	set := func(p keys.Purpose, to keys.State) {
		t.Helper()
		if err := s.SetState(p, to); err != nil {
			t.Fatalf("%s to %s: %v", p, to, err)
		}
	}
	plain, wrapped := generate(t, s, where)
	before, err := s.Keys.Mac(ctx, keys.Audit, []byte("m"))
	if err != nil {
		t.Fatal(err)
	}
	for _, off := range []keys.State{keys.Disabled, keys.PendingDeletion} {
		set(keys.Data, off)
		_, _, err := s.Keys.GenerateDataKey(ctx, keys.Data, where)
		unavailable(t, string(off)+": a data key", err)
		_, err = s.Keys.Decrypt(ctx, keys.Data, wrapped, where)
		unavailable(t, string(off)+": opening", err)
		if _, err := s.Keys.Mac(ctx, keys.Audit, []byte("m")); err != nil {
			t.Errorf("the other key fell with it: %v", err)
		}
		set(keys.Data, keys.Enabled)
		opens(t, s, wrapped, where, plain)

		set(keys.Audit, off)
		_, err = s.Keys.Mac(ctx, keys.Audit, []byte("m"))
		unavailable(t, string(off)+": a MAC", err)
		opens(t, s, wrapped, where, plain)
		set(keys.Audit, keys.Enabled)
		if after, err := s.Keys.Mac(ctx, keys.Audit, []byte("m")); err != nil || !bytes.Equal(before, after) {
			t.Errorf("enabled again: another MAC, %v", err)
		}
	}
}

func cancelled(t *testing.T, s Subject) {
	_, wrapped := generate(t, s, where)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	_, _, err1 := s.Keys.GenerateDataKey(gone, keys.Data, where)
	_, err2 := s.Keys.Decrypt(gone, keys.Data, wrapped, where)
	_, err3 := s.Keys.Mac(gone, keys.Audit, []byte("m"))
	for _, err := range []error{err1, err2, err3} {
		if f := fault.Of(err); f == nil || f.Kind != fault.Unavailable || f.Code != "keys_unavailable" {
			t.Errorf("%v, want Unavailable keys_unavailable", err)
		}
	}
}

func concurrent(t *testing.T, s Subject) {
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			c := keys.Context{"n": fmt.Sprint(i)}
			plain, wrapped, err := s.Keys.GenerateDataKey(ctx, keys.Data, c)
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := s.Keys.Decrypt(ctx, keys.Data, wrapped, c); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("opened another key, %v", err)
			}
		})
	}
	wg.Wait()
}

func generate(t *testing.T, s Subject, c keys.Context) (plain, wrapped []byte) {
	t.Helper()
	plain, wrapped, err := s.Keys.GenerateDataKey(ctx, keys.Data, c)
	if err != nil {
		t.Fatal(err)
	}
	return plain, wrapped
}

func opens(t *testing.T, s Subject, wrapped []byte, c keys.Context, want []byte) {
	t.Helper()
	got, err := s.Keys.Decrypt(ctx, keys.Data, wrapped, c)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("opened another key, or none: %v", err)
	}
}

func refuses(t *testing.T, what string, s Subject, wrapped []byte, c keys.Context) {
	t.Helper()
	got, err := s.Keys.Decrypt(ctx, keys.Data, wrapped, c)
	if f := fault.Of(err); f == nil || f.Kind != fault.Internal || f.Code != "key_mismatch" || got != nil {
		t.Errorf("%s: %v, want Internal key_mismatch and no key", what, err)
	}
}

func unavailable(t *testing.T, what string, err error) {
	t.Helper()
	if f := fault.Of(err); f == nil || f.Kind != fault.Locked || f.Code != "key_unavailable" {
		t.Errorf("%s: %v, want Locked key_unavailable", what, err)
	}
}
