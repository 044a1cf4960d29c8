package crypt_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
)

func TestPack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) crypt.Member {
			return crypt.Member{Tag: rapid.Uint16().Draw(t, "tag"), Value: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "value")}
		}), 0, 12, func(m crypt.Member) uint16 { return m.Tag }).Draw(t, "members")
		given := slices.Clone(members)
		packed := crypt.Pack(members)
		if diff := cmp.Diff(given, members); diff != "" {
			t.Fatalf("Pack changed what it was given: %s", diff)
		}
		slices.Reverse(members)
		if !bytes.Equal(crypt.Pack(members), packed) {
			t.Fatal("the order of the members changes the packing")
		}
		got, err := crypt.Unpack(packed)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(given, func(a, b crypt.Member) int { return int(a.Tag) - int(b.Tag) })
		if !slices.EqualFunc(got, given, func(a, b crypt.Member) bool { return a.Tag == b.Tag && bytes.Equal(a.Value, b.Value) }) {
			t.Fatalf("%v became %v", given, got)
		}
	})
}

func TestPackOfTwoAlike(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("two members with one tag were packed")
		}
	}()
	crypt.Pack([]crypt.Member{{Tag: 1, Value: []byte("a")}, {Tag: 2}, {Tag: 1, Value: []byte("b")}})
}

func TestUnpackRefuses(t *testing.T) {
	for name, b := range map[string][]byte{
		"a tag without a length":     {1},
		"a length without a value":   {1, 1},
		"a value that is cut off":    {1, 3, 'a', 'b'},
		"a length beyond all":        {1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"a number without an end":    {0x80},
		"a number of eleven bytes":   bytes.Repeat([]byte{0x80}, 11),
		"a longer form of a tag":     {0x81, 0x00, 1, 'a'},
		"a longer form of a length":  {1, 0x81, 0x00, 'a'},
		"a tag beyond 65,535":        {0x80, 0x80, 0x04, 0},
		"a second tag beyond 65,535": {0xff, 0xff, 0x03, 0, 0, 0},
	} {
		if got, err := crypt.Unpack(b); !fault.IsKind(err, fault.Internal) || !fault.Is(err, "sealed_mismatch") || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if got, err := crypt.Unpack(nil); err != nil || len(got) != 0 {
		t.Errorf("nothing: %v, %v", got, err)
	}
}

// TestUnpackedValuesAreApart: appending to one value does not run into the next.
func TestUnpackedValuesAreApart(t *testing.T) {
	got, err := crypt.Unpack(crypt.Pack([]crypt.Member{{1, []byte("a")}, {2, []byte("b")}}))
	if err != nil {
		t.Fatal(err)
	}
	_ = append(got[0].Value, "xxxx"...)
	if string(got[1].Value) != "b" {
		t.Error("a value ran into its neighbour")
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(crypt.Pack(record))
	f.Add([]byte{1, 1, 'a', 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		members, err := crypt.Unpack(b)
		if err != nil {
			if !fault.Is(err, "sealed_mismatch") {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(crypt.Pack(members), b) {
			t.Fatalf("%x has a second form", b)
		}
	})
}

func FuzzOpen(f *testing.F) {
	d := newDesk(f)
	ten := d.newTenant()
	k := d.tenant(ten)
	_, ak, _ := d.newAccount(ten)
	good := map[string]bool{}
	for _, s := range []string{"", "a", "li@example.com"} {
		for _, b := range [][]byte{d.seal(k, here, s), d.seal(ak, here, s)} {
			good[string(b)] = true
			f.Add(b)
		}
	}
	f.Add([]byte{0xE1, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, k := range []box{k, ak} {
			if _, err := k.Open(here, b); err == nil && !good[string(b)] {
				t.Fatalf("%x opened", b)
			} else if err != nil && !fault.Is(err, "sealed_mismatch") {
				t.Fatal(err)
			}
		}
	})
}
