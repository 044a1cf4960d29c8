package local_test

import (
	"errors"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
)

// TestDamagedRecords puts what the table never writes into the file, among good records: a read that comes upon it says so, and neither
// leaves it out nor makes something of it.
func TestDamagedRecords(t *testing.T) {
	at := func(sk string) table.Key { return table.Key{PK: "p", SK: sk} }
	good := local.EntryKey("p", "b", "p", "bad")
	head := "\x00\x01p" // the partition's part of a key
	entries := func(reverse bool, limit int) func(*testing.T, *local.Store) error {
		return func(t *testing.T, s *local.Store) error {
			_, err := s.Query(t.Context(), table.Query{Index: table.G1, PK: "p", Reverse: reverse, Limit: limit})
			return err
		}
	}
	items := func(t *testing.T, s *local.Store) error {
		_, err := s.Query(t.Context(), table.Query{PK: "p"})
		return err
	}
	get := func(t *testing.T, s *local.Store) error {
		_, err := s.Get(t.Context(), at("a"), at("b"), at("c"))
		return err
	}
	for _, c := range []struct {
		what   string
		bucket string
		key    string
		value  string
		read   func(*testing.T, *local.Store) error
		found  bool
	}{
		{"a good entry", "1", string(good), "", entries(false, 10), false},
		{"an entry whose sort key does not end", "1", head + "bbb", "", entries(false, 10), true},
		{"the same from the other end", "1", head + "bbb", "", entries(true, 10), true},
		{"an entry whose sort key ends in the air", "1", head + "b\x00", "", entries(false, 10), true},
		{"an entry with an unknown escape", "1", head + "b\x00\x07\x00\x01p\x00\x01s", "", entries(false, 10), true},
		{"an entry whose item has no sort key", "1", head + "b\x00\x01p", "", entries(false, 10), true},
		{"an entry beyond the page", "1", head + "bbb", "", entries(false, 1), false},
		{"an entry with a short expiry", "1", string(good), "1234567", entries(false, 10), true},
		{"an entry with a long expiry", "1", string(good), "123456789", entries(true, 10), true},
		{"an item of another form, queried", "d", head + "b", "\x02abcdefghij", items, true},
		{"the same, got", "d", head + "b", "\x02abcdefghij", get, true},
		{"an item cut off before its doc, queried", "d", head + "b", "\x0100000000\x00", items, true},
		{"the same, got", "d", head + "b", "\x0100000000\x00", get, true},
		{"an item whose doc is longer than itself", "d", head + "b", "\x0100000000\x00\x09{}", get, true},
		{"an item cut off in its index keys", "d", head + "b", "\x0100000000\x01\x09p", items, true},
	} {
		path := filepath.Join(t.TempDir(), "table.db")
		open := func() *local.Store {
			s, err := local.Open(path, local.Options{Now: newClock().Now, NoSync: true})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := open()
		for _, sk := range []string{"a", "c"} {
			it := table.Item{Key: at(sk), Doc: []byte(`{}`), Index: map[table.Index]table.IndexKey{table.G1: {PK: "p", SK: sk}}}
			if err := s.Commit(t.Context(), sk, table.Put(it, table.Absent)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		db, err := bolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		damage := func(tx *bolt.Tx) error { return tx.Bucket([]byte(c.bucket)).Put([]byte(c.key), []byte(c.value)) }
		if err := errors.Join(db.Update(damage), db.Close()); err != nil {
			t.Fatal(err)
		}
		s = open()
		if err := c.read(t, s); fault.Is(err, "table_corrupt") != c.found || !c.found && err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
