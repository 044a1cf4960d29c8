package crypt_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/c2sp/wycheproof"
	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	keyslocal "github.com/steward-crm/steward/shared/keys/local"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local/localtest"
)

type hexed []byte

func (h *hexed) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

type sealVector struct {
	Place struct {
		Record, Item, Path string
		Schema             uint32
	} `json:"place"`
	Nonce, Plain, Sealed hexed
}

type digestVector struct{ Of, Digest hexed }

// script gives the bytes it is told to instead of random ones.
type script struct{ next []byte }

func (s *script) Read(b []byte) (int, error) {
	if len(s.next) < len(b) {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(b, s.next)
	s.next = s.next[n:]
	return n, nil
}

// TestVectors holds the formats against testdata/vectors.py, a second reading of them that shares no code with this one: what it sealed
// opens here, and with its nonces the same bytes are sealed here. A change of any of them loses stored data.
func TestVectors(t *testing.T) {
	var v struct {
		Master, Wrapped            hexed
		Tenant                     id.Tenant
		Account                    id.Account
		AccountRandom, AccountItem hexed
		TenantSeals, AccountSeals  []sealVector
		Blind                      []struct{ Field, Value, Token string }
		TenantDigests              []digestVector
		AccountDigests             []digestVector
		Packs                      []struct {
			Members []struct {
				Tag   uint16
				Value hexed
			}
			Packed hexed
		}
	}
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}

	now := func() time.Time { return time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC) }
	file := filepath.Join(t.TempDir(), "keys.json")
	secret := base64.StdEncoding.EncodeToString(v.Master)
	doc := fmt.Sprintf(`{"format":1,"created":"2026-11-01T12:00:00Z","keys":{"data":{"state":"enabled","secret":%q}},"local":%q}`, secret, secret)
	if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	random := &script{}
	master, err := keyslocal.Open(file, now, random)
	if err != nil {
		t.Fatal(err)
	}
	store := localtest.Open(t, now)
	head := table.Item{Key: key.TenantKeyHead(v.Tenant), Doc: []byte(`{"versions":[{"n":1,"from":"2026-11-01T00:00:00Z"}],"index":1}`)}
	first := table.Item{Key: key.TenantKey(v.Tenant, 1), Sealed: v.Wrapped}
	if err := store.Commit(ctx, "vectors", table.Put(head, table.Absent), table.Put(first, table.Absent)); err != nil {
		t.Fatal(err)
	}
	tk, err := crypt.New(master, store, now, random).Tenant(ctx, v.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	random.next = v.AccountRandom
	ak, it, err := tk.NewAccount(v.Account)
	if err != nil || !bytes.Equal(it.Sealed, v.AccountItem) || it.Key != key.AccountKey(v.Tenant, v.Account) {
		t.Errorf("account key item: %x, %v", it.Sealed, err)
	}
	opened, err := tk.OpenAccount(v.Account, table.Item{Sealed: v.AccountItem})
	if err != nil {
		t.Fatal(err)
	}

	seals := func(name string, k box, rows []sealVector) {
		if len(rows) < 10 {
			t.Errorf("%s: %d vectors", name, len(rows))
		}
		for i, r := range rows {
			p := crypt.Place(r.Place)
			if got, err := k.Open(p, r.Sealed); err != nil || !bytes.Equal(got, r.Plain) {
				t.Errorf("%s %d: opened %x, %v", name, i, got, err)
			}
			random.next = r.Nonce
			if got, err := k.Seal(p, r.Plain); err != nil || !bytes.Equal(got, r.Sealed) {
				t.Errorf("%s %d: sealed %x, %v", name, i, got, err)
			}
		}
	}
	seals("tenant", tk, v.TenantSeals)
	seals("account", ak, v.AccountSeals)
	seals("account, opened", opened, v.AccountSeals)
	for _, r := range v.Blind {
		if got := tk.Blind(r.Field, r.Value); got != r.Token {
			t.Errorf("blind index of %s: %s", r.Field, got)
		}
	}
	for _, r := range v.TenantDigests {
		if got := tk.Digest(r.Of); !bytes.Equal(got, r.Digest) {
			t.Errorf("tenant's digest: %x", got)
		}
	}
	for _, r := range v.AccountDigests {
		if got := ak.Digest(r.Of); !bytes.Equal(got, r.Digest) {
			t.Errorf("account's digest: %x", got)
		}
	}
	for _, r := range v.Packs {
		var members []crypt.Member
		for _, m := range r.Members {
			members = append(members, crypt.Member{Tag: m.Tag, Value: m.Value})
		}
		if got := crypt.Pack(members); !bytes.Equal(got, r.Packed) {
			t.Errorf("packed: %x", got)
		}
	}
}

// TestWycheproof runs Google's vectors through the layer below the envelope.
func TestWycheproof(t *testing.T) {
	f, err := wycheproof.TestVectors.Open("aes_gcm_test.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var file struct {
		Groups []struct {
			KeySize, IvSize, TagSize int
			Tests                    []struct {
				TcID                       int
				Key, Iv, Aad, Msg, Ct, Tag hexed
				Result                     string
			}
		} `json:"testGroups"`
	}
	if err := json.UnmarshalRead(f, &file, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, g := range file.Groups {
		if g.KeySize != 256 || g.IvSize != 96 || g.TagSize != 128 {
			continue
		}
		for _, c := range g.Tests {
			ran++
			a, err := crypt.NewAEAD(c.Key)
			if err != nil {
				t.Fatal(err)
			}
			sealed := append(bytes.Clone(c.Ct), c.Tag...)
			got, err := a.Open(nil, c.Iv, sealed, c.Aad)
			if valid := c.Result == "valid"; valid != (err == nil) {
				t.Errorf("case %d: %v, want %s", c.TcID, err, c.Result)
			} else if valid && (!bytes.Equal(got, c.Msg) || !bytes.Equal(a.Seal(nil, c.Iv, c.Msg, c.Aad), sealed)) {
				t.Errorf("case %d: other bytes", c.TcID)
			}
		}
	}
	if ran < 60 {
		t.Errorf("%d vectors ran", ran)
	}
}
