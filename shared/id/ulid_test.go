package id_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	library "github.com/oklog/ulid/v2"
	"pgregory.net/rapid"

	"github.com/steward-crm/steward/shared/id"
)

// TestULIDsOfTheLibrary: from the same clock and the same randomness come the ids that the library makes, also within a millisecond and when the
// clock steps back; it reads them, and what it does not read is no id.
func TestULIDsOfTheLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed"))
		now := time.UnixMilli(rapid.Int64Range(1000, 1<<47).Draw(t, "now"))
		ours, theirs := id.NewSource(func() time.Time { return now }, rand.NewChaCha8(seed)), library.Monotonic(rand.NewChaCha8(seed), 0)
		last := uint64(0)
		for range 20 {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 1, 1000, -5}).Draw(t, "later")) * time.Millisecond)
			last = max(library.Timestamp(now), last)
			want := library.MustNew(last, theirs)
			got := id.New[id.Event](ours)
			if string(got) != "evt_"+want.String() {
				t.Fatalf("%s, and the library %s", got, want)
			}
		}
		s := rapid.OneOf(rapid.StringMatching(`[0-9A-HJKMNP-TV-Z]{26}`), rapid.StringMatching(`[0-8A-Za-z]{25,27}`)).Draw(t, "text")
		u, err := library.ParseStrict(s)
		canonical := err == nil && u.String() == s
		if _, err := id.Parse[id.Event]("evt_" + s); (err == nil) != canonical {
			t.Fatalf("%s: %v", s, err)
		}
	})
}

// TestNoRoomInTheMillisecond: when a millisecond has no greater id, the next one has.
func TestNoRoomInTheMillisecond(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	full := bytes.Repeat([]byte{255}, 10)
	s := id.NewSource(func() time.Time { return now }, io.MultiReader(bytes.NewReader(full), bytes.NewReader([]byte{1, 0, 0, 0}), bytes.NewReader(make([]byte, 10))))
	if first := id.New[id.Event](s); first != id.Last[id.Event](now) {
		t.Fatalf("%s is not the last of its millisecond", first)
	}
	if second := id.New[id.Event](s); second != id.First[id.Event](now.Add(time.Millisecond)) {
		t.Errorf("%s is not of the next millisecond", second)
	}
	defer func() {
		if recover() == nil {
			t.Error("it makes ids without randomness")
		}
	}()
	id.NewSource(func() time.Time { return now }, brokenReader{}).ULID()
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("no randomness") }

// TestBounds: every id of a millisecond lies between its first and its last.
func TestBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMilli(rapid.Int64Range(1, 1<<47).Draw(t, "at"))
		made := id.New[id.Event](id.NewSource(func() time.Time { return at }, rand.NewChaCha8([32]byte{3})))
		if made < id.First[id.Event](at) || made > id.Last[id.Event](at) || id.Last[id.Event](at) >= id.First[id.Event](at.Add(time.Millisecond)) {
			t.Fatalf("%s lies outside %s and %s", made, id.First[id.Event](at), id.Last[id.Event](at))
		}
	})
}
