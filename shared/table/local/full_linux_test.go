package local_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
)

// TestFullDisk runs a child whose file may not grow for a while. A commit that the disk refuses is Unavailable and not there; reads go
// on; when there is room again, the same call completes.
func TestFullDisk(t *testing.T) {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childEnv+"="+strings.Join([]string{filepath.Join(t.TempDir(), "table.db"), "0", "full"}, "|"))
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func fullDiskChild(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	s, err := local.Open(path, local.Options{Now: time.Now})
	if err != nil {
		return err
	}
	defer s.Close()
	ctx := context.Background()
	commit := func(i int) error {
		it := table.Item{Key: table.Key{PK: "p", SK: fmt.Sprintf("%04d", i)}, Sealed: make([]byte, 300<<10)}
		return s.Commit(ctx, fmt.Sprint("t", i), table.Put(it, table.Absent))
	}
	if err := commit(0); err != nil {
		return err
	}
	var room syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &room); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	tight := room
	tight.Cur = uint64(info.Size())
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &tight); err != nil {
		return err
	}
	i, refused := 1, 0
	for ; refused < 3 && i < 200; i++ {
		for refused = 0; refused < 3; refused++ {
			err := commit(i)
			if err == nil {
				break // a page that was given back may make room once more
			}
			if !fault.Is(err, "table_unavailable") {
				return fmt.Errorf("commit on a full disk: %w", err)
			}
			if items, err := s.Get(ctx, table.Key{PK: "p", SK: "0000"}, table.Key{PK: "p", SK: fmt.Sprintf("%04d", i)}); err != nil || len(items) != 1 {
				return fmt.Errorf("get on a full disk: %d items, %w", len(items), err)
			}
		}
	}
	if refused < 3 {
		return fmt.Errorf("the disk was never full")
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &room); err != nil {
		return err
	}
	for n := range i { // the refused one for the first time, the others again
		if err := commit(n); err != nil {
			return fmt.Errorf("commit %d with room again: %w", n, err)
		}
	}
	items, err := everything(ctx, s, table.Query{PK: "p"})
	if err != nil || len(items) != i {
		return fmt.Errorf("%d items of %d, %w", len(items), i, err)
	}
	for _, it := range items {
		if it.Version != 1 {
			return fmt.Errorf("%s was applied %d times", it.SK, it.Version)
		}
	}
	return s.Verify(ctx)
}
