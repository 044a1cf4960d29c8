package local

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// What Open answers when the file cannot be had. Each is one line for the person who started the process; Open adds the path.
var (
	ErrInUse   = errors.New("data folder is in use by another process")
	ErrNewer   = errors.New("data was written by a newer version of this program")
	ErrForeign = errors.New("not a data file of this program, or damaged")
)

// format is the number of the file format that this code reads and writes.
const format = 1

const lockWait = 250 * time.Millisecond

// The buckets of the file, by the shortest names: their page is written with every commit.
var (
	bucketMeta   = []byte("m")
	bucketLog    = []byte("l") // change log: first change's number → what the commit changed
	bucketTokens = []byte("t") // number → time, token and digest of a commit
	bucketExpiry = []byte("x") // when and what to sweep
	bucketData   = []byte("d")
	bucketKeys   = []byte("k")
	bucketIndex  = [indexes][]byte{[]byte("1"), []byte("2"), []byte("3"), []byte("4"), []byte("5")}
	metaFormat   = []byte("format")
)

func openFile(path string, noSync bool) (*bolt.DB, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := makeFile(path, noSync); err != nil {
			return nil, err
		}
	}
	db, err := openBolt(path, noSync)
	if err != nil {
		return nil, err
	}
	if err := db.View(checkFormat); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

// makeFile makes the file aside and renames it, so that a crash cannot leave half a file under the name.
func makeFile(path string, noSync bool) error {
	aside := path + ".new"
	db, err := openBolt(aside, noSync)
	if errors.Is(err, ErrForeign) { // a crash while making it
		if err := os.Remove(aside); err != nil {
			return err
		}
		db, err = openBolt(aside, noSync)
	}
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range append([][]byte{bucketMeta, bucketLog, bucketTokens, bucketExpiry, bucketData, bucketKeys}, bucketIndex[:]...) {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Put(metaFormat, binary.AppendUvarint(nil, format))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("%s: %w", aside, err)
	}
	if err := os.Rename(aside, path); err != nil {
		if _, there := os.Stat(path); there == nil {
			return nil // another process made it at the same moment
		}
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(dir string) error {
	if runtime.GOOS == "windows" { // folders cannot be synced there
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func openBolt(path string, noSync bool) (db *bolt.DB, err error) {
	defer func() { // bbolt panics on a file whose pages do not hang together
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: %w: %v", path, ErrForeign, r)
		}
	}()
	o := &bolt.Options{
		Timeout: lockWait,
		NoSync:  noSync, NoGrowSync: noSync,
		NoFreelistSync: true, FreelistType: bolt.FreelistMapType, // see tuneFreelist
	}
	if runtime.GOOS != "windows" { // there the file would grow to this size at once
		// Mapped ahead, the file is not mapped anew while it grows, for which all readers would have to pause. It costs address
		// space only.
		o.InitialMmapSize = 1 << 30
	}
	if err := checkWhole(path); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	db, err = bolt.Open(path, 0o600, o)
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("%s: %w", path, ErrInUse)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%s: %w", path, ErrForeign)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return db, nil
}

// checkWhole refuses a file that ends before its last page, as an interrupted copy leaves it: bbolt maps the file without looking, and
// the process would die of reading beyond its end. A page is led by 16 bytes; in a meta page there follow magic and version, the page
// size at 8, the number of pages at 40 and the number of the transaction at 48 (bbolt's file format 2).
func checkWhole(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	var page [16 + 64]byte
	pages, size, newest := int64(0), int64(0), uint64(0)
	for _, at := range []int64{0, 1} {
		if at == 1 && size == 0 {
			break
		}
		if _, err := f.ReadAt(page[:], at*size); err != nil || binary.NativeEndian.Uint32(page[16:]) != 0xED0CDAED {
			continue // bbolt judges what is no meta page
		}
		size = int64(binary.NativeEndian.Uint32(page[16+8:]))
		if tx := binary.NativeEndian.Uint64(page[16+48:]); tx >= newest {
			newest, pages = tx, int64(binary.NativeEndian.Uint64(page[16+40:]))
		}
	}
	info, err := f.Stat() // after the pages: another process may just be making it grow
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() && pages*size > info.Size() {
		return fmt.Errorf("%w: it has %d bytes of %d", ErrForeign, info.Size(), pages*size)
	}
	return nil
}

func checkFormat(tx *bolt.Tx) error {
	m := tx.Bucket(bucketMeta)
	if m == nil {
		return ErrForeign
	}
	n, w := binary.Uvarint(m.Get(metaFormat))
	if w <= 0 || n == 0 {
		return ErrForeign
	}
	if n > format {
		return fmt.Errorf("%w: its format is %d, this version reads up to %d", ErrNewer, n, format)
	}
	return nil
}

// maxFreelist is how many free pages may be listed with each commit: four pages of list.
const maxFreelist = 2000

// tuneFreelist decides, after each commit, whether the next one writes the list of free pages, as each does anew. With it the next start
// is quick even after a crash. Without it bbolt must walk the file then; but a long list would cost each commit more than its data.
func tuneFreelist(db *bolt.DB) {
	n := db.Stats()
	db.NoFreelistSync = n.FreePageN+n.PendingPageN > maxFreelist
}

// closeFile writes the list of free pages, so that the next start need not walk the file, and closes it.
func closeFile(db *bolt.DB) error {
	db.NoFreelistSync = false
	err := db.Update(func(*bolt.Tx) error { return nil })
	return errors.Join(err, db.Close())
}
