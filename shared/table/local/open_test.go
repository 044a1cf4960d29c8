package local_test

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
	"github.com/steward-crm/steward/shared/table/local/localtest"
)

func bareItem(sk string) table.Item { return table.Item{Key: table.Key{PK: "p", SK: sk}} }

func open(t *testing.T, path string) (*local.Store, error) {
	t.Helper()
	return local.Open(path, local.Options{Now: time.Now, NoSync: true})
}

func TestOpenMakesAPrivateFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	for range 2 {
		s, err := open(t, path)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o644); err != nil { // the next Open closes it again
			t.Fatal(err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestOpenWhatIsInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	s, err := open(t, path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = open(t, path)
	if !errors.Is(err, local.ErrInUse) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), path) {
		t.Errorf("opened twice: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := open(t, path)
	if err != nil {
		t.Fatalf("after closing: %v", err)
	}
	_ = again.Close()
}

func TestOpenWhatIsNotOurs(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good.db")
	s, err := open(t, good)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), "t", table.Put(bareItem("s"), table.Absent)); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(path string, f func(*bolt.Tx) error) {
		db, err := bolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Update(f), db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for what, c := range map[string]struct {
		make func(path string)
		want error
	}{
		"a newer format": {func(path string) {
			_ = os.WriteFile(path, whole, 0o600)
			edit(path, func(tx *bolt.Tx) error {
				return tx.Bucket([]byte("m")).Put([]byte("format"), binary.AppendUvarint(nil, 99))
			})
		}, local.ErrNewer},
		"no format": {func(path string) {
			_ = os.WriteFile(path, whole, 0o600)
			edit(path, func(tx *bolt.Tx) error { return tx.Bucket([]byte("m")).Delete([]byte("format")) })
		}, local.ErrForeign},
		"another program's file": {func(path string) { edit(path, func(*bolt.Tx) error { return nil }) }, local.ErrForeign},
		"a text file":            {func(path string) { _ = os.WriteFile(path, []byte(strings.Repeat("text ", 9999)), 0o600) }, local.ErrForeign},
		"zeros":                  {func(path string) { _ = os.WriteFile(path, make([]byte, 1<<16), 0o600) }, local.ErrForeign},
		"a folder":               {func(path string) { _ = os.Mkdir(path, 0o700) }, nil},
		"a cut file":             {func(path string) { _ = os.WriteFile(path, whole[:4096*3], 0o600) }, local.ErrForeign},
	} {
		path := filepath.Join(t.TempDir(), "table.db")
		c.make(path)
		s, err := open(t, path)
		if err == nil {
			_ = s.Close()
			t.Errorf("%s: opened", what)
			continue
		}
		if c.want != nil && !errors.Is(err, c.want) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := open(t, filepath.Join(t.TempDir(), "none", "table.db")); err == nil {
		t.Error("no folder: opened")
	}
	if _, err := local.Open(good, local.Options{}); err == nil {
		t.Error("no clock: opened")
	}
}

// TestOpenAfterACrashInTheMaking has half a file lying where a new one is made.
func TestOpenAfterACrashInTheMaking(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	if err := os.WriteFile(path+".new", make([]byte, 9000), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := open(t, path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestClosed(t *testing.T) {
	s, err := open(t, filepath.Join(t.TempDir(), "table.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	_, get := s.Get(ctx, bareItem("s").Key)
	_, query := s.Query(ctx, table.Query{PK: "p"})
	_, _, changes := s.Changes(ctx, "", 1)
	var scan error
	for _, scan = range s.Scan(ctx, 0, 1) {
	}
	for what, err := range map[string]error{
		"get": get, "query": query, "changes": changes, "scan": scan,
		"commit": s.Commit(ctx, "t", table.Put(bareItem("s"), table.Always)),
		"check":  s.Commit(ctx, "t", table.Check(bareItem("s").Key, table.Always)),
	} {
		if !fault.Is(err, "table_unavailable") {
			t.Errorf("%s of a closed table: %v", what, err)
		}
	}
}

// TestCloseAnswers closes the table under commits: each is answered, and the answer is true.
func TestCloseAnswers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	s, err := open(t, path)
	if err != nil {
		t.Fatal(err)
	}
	type answer struct {
		sk  string
		err error
	}
	answers := make(chan answer)
	const writers = 16
	started := make(chan struct{}, writers)
	for w := range writers {
		go func() {
			for i := 0; ; i++ {
				sk := string(rune('a'+w)) + string(rune('0'+i%10)) + strings.Repeat("x", i/10)
				err := s.Commit(context.Background(), sk, table.Put(bareItem(sk), table.Absent))
				if i == 3 || err != nil && i < 3 {
					started <- struct{}{}
				}
				answers <- answer{sk, err}
				if err != nil {
					return
				}
			}
		}()
	}
	yes := map[string]bool{}
	refused := 0
	closing := make(chan error, 1)
	go func() {
		for range writers {
			<-started
		}
		closing <- s.Close()
	}()
	for refused < writers {
		a := <-answers
		if a.err == nil {
			yes[a.sk] = true
		} else if refused++; !fault.Is(a.err, "table_unavailable") {
			t.Errorf("while closing: %v", a.err)
		}
	}
	if err := <-closing; err != nil {
		t.Fatal(err)
	}
	again, err := open(t, path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for sk := range yes {
		if items, err := again.Get(t.Context(), bareItem(sk).Key); err != nil || len(items) != 1 {
			t.Errorf("%s was acknowledged and is lost: %v", sk, err)
		}
	}
}

// TestRefusedLeavesTheFileAsItIs compares the file's bytes.
func TestRefusedLeavesTheFileAsItIs(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "table.db")
	s, err := open(t, path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := t.Context()
	if err := s.Commit(ctx, "first", table.Put(bareItem("s"), table.Absent)); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	for what, err := range map[string]error{
		"a failed condition": s.Commit(ctx, "a", table.Put(bareItem("t"), table.Absent), table.Check(bareItem("s").Key, table.Absent)),
		"an empty key":       s.Commit(ctx, "b", table.Put(bareItem(""), table.Always)),
		"other writes":       s.Commit(ctx, "first", table.Put(bareItem("t"), table.Absent)),
		"an ended context":   s.Commit(ended, "c", table.Put(bareItem("t"), table.Absent)),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	for what, err := range map[string]error{
		"a replay":  s.Commit(ctx, "first", table.Put(bareItem("s"), table.Absent)),
		"a dry run": s.Commit(ctx, "d", table.Check(bareItem("s").Key, table.Present)),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error("the file was written")
	}
	if err := s.Commit(ctx, "e", table.Put(bareItem("t"), table.Absent)); err != nil {
		t.Fatal(err)
	}
	if after, _ = os.ReadFile(path); string(before) == string(after) {
		t.Error("a commit left no trace: the comparison cannot fail")
	}
}

func TestLocalTest(t *testing.T) {
	s := localtest.Open(t, time.Now)
	if err := s.Commit(t.Context(), "t", table.Put(bareItem("s"), table.Absent)); err != nil {
		t.Fatal(err)
	}
}
