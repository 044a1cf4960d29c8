package local_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
)

// BenchmarkOpen opens a file of some thousand accounts, as it is closed and as a crash leaves it: then bbolt looks for the free pages by
// walking the file.
func BenchmarkOpen(b *testing.B) {
	const accounts = 20_000
	dir := b.TempDir()
	closed, crashed := filepath.Join(dir, "closed.db"), filepath.Join(dir, "crashed.db")
	s, err := local.Open(closed, local.Options{Now: time.Now, NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	for from := 0; from < accounts; from += 20 {
		var writes []table.Write
		for i := range 20 {
			writes = append(writes, creation(from+i)...)
		}
		if err := s.Commit(b.Context(), fmt.Sprint(from), writes...); err != nil {
			b.Fatal(err)
		}
	}
	if err := copyFile(crashed, closed); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.Run("closed", func(b *testing.B) {
		for b.Loop() {
			s, err := local.Open(closed, local.Options{Now: time.Now, NoSync: true})
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			_ = s.Close()
			b.StartTimer()
		}
	})
	b.Run("crashed", func(b *testing.B) {
		again := filepath.Join(dir, "again.db")
		for b.Loop() {
			b.StopTimer()
			if err := copyFile(again, crashed); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			s, err := local.Open(again, local.Options{Now: time.Now, NoSync: true})
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			_ = s.Close()
			b.StartTimer()
		}
		info, err := os.Stat(again)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(info.Size())/(1<<20), "MB")
	})
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	_, err = io.Copy(out, in)
	return err
}
