package local

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/keys"
)

type file struct {
	Format  int                     `json:"format"`
	Created time.Time               `json:"created"`
	Keys    map[keys.Purpose]master `json:"keys"`
	Local   []byte                  `json:"local"`
}

type master struct {
	State  keys.State `json:"state"`
	Secret []byte     `json:"secret"`
}

const fileFormat = 1

func fresh(now time.Time, random io.Reader) (file, error) {
	f := file{Format: fileFormat, Created: now.UTC().Truncate(time.Second), Keys: map[keys.Purpose]master{}}
	for _, p := range []keys.Purpose{keys.Data, keys.Audit} {
		secret, err := draw(random)
		if err != nil {
			return file{}, err
		}
		f.Keys[p] = master{State: keys.Enabled, Secret: secret}
	}
	var err error
	f.Local, err = draw(random)
	return f, err
}

func draw(random io.Reader) ([]byte, error) {
	b := make([]byte, DataKey)
	if _, err := io.ReadFull(random, b); err != nil {
		return nil, fmt.Errorf("key file: no randomness: %w", err)
	}
	return b, nil
}

func (f file) valid() error {
	if f.Format != fileFormat {
		return fmt.Errorf("format %d is not known, this program reads format %d", f.Format, fileFormat)
	}
	for p, m := range f.Keys {
		if len(m.Secret) != DataKey {
			return fmt.Errorf("the secret of key %q is not %d bytes long", p, DataKey)
		}
		switch m.State {
		case keys.Enabled, keys.Disabled, keys.PendingDeletion:
		default:
			return fmt.Errorf("the state of key %q is none of enabled, disabled, pending_deletion", p)
		}
	}
	if len(f.Local) != DataKey {
		return fmt.Errorf("the local secret is not %d bytes long", DataKey)
	}
	return nil
}

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// read opens the file first and judges the open file, so that what was judged is what is read.
func read(path string) (file, error) {
	h, err := os.Open(path)
	if err != nil {
		return file{}, fmt.Errorf("key file %s cannot be opened: %w", path, cause(err))
	}
	defer h.Close()
	st, err := h.Stat()
	switch {
	case err != nil:
		return file{}, fmt.Errorf("key file %s cannot be examined: %w", path, cause(err))
	case !st.Mode().IsRegular():
		return file{}, fmt.Errorf("key file %s is not a regular file", path)
	case st.Mode().Perm()&0o077 != 0:
		return file{}, fmt.Errorf("key file %s has mode %#o, so others can read or change it: run chmod 600 %s", path, st.Mode().Perm(), path)
	case st.Size() > 1<<16:
		return file{}, fmt.Errorf("key file %s is too large to be one", path)
	}
	b, err := io.ReadAll(h)
	if err != nil {
		return file{}, fmt.Errorf("key file %s cannot be read: %w", path, cause(err))
	}
	defer clear(b)
	var f file
	if err := json.Unmarshal(b, &f, json.RejectUnknownMembers(true)); err != nil {
		// The decoder's words may quote the file, so they stay out.
		return file{}, fmt.Errorf("key file %s is damaged: restore it from a copy, the data cannot be read without it", path)
	}
	if err := f.valid(); err != nil {
		return file{}, fmt.Errorf("key file %s is damaged: %w", path, err)
	}
	return f, nil
}

// create writes a new file under the path unless there is one by then.
func create(path string, f file) error {
	tmp, err := write(path, f)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	err = os.Link(tmp, path) // unlike a rename, a link never replaces a file that another process has just made
	switch {
	case err == nil, errors.Is(err, fs.ErrExist):
	default: // a file system without hard links
		if err := os.Rename(tmp, path); err != nil {
			return fmt.Errorf("key file %s cannot be made: %w", path, cause(err))
		}
	}
	return syncDir(path)
}

// replace puts f in the place of the file: readers see the old one or the new one.
func replace(path string, f file) error {
	tmp, err := write(path, f)
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		os.Remove(tmp)
		return fmt.Errorf("key file %s cannot be replaced: %w", path, cause(err))
	}
	return syncDir(path)
}

func write(path string, f file) (tmp string, err error) {
	b, err := json.Marshal(f, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return "", err
	}
	defer clear(b)
	h, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // mode 0600
	if err != nil {
		return "", fmt.Errorf("key file %s cannot be made: %w", path, cause(err))
	}
	_, err = h.Write(append(b, '\n'))
	if err == nil {
		err = h.Sync()
	}
	if e := h.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(h.Name())
		return "", fmt.Errorf("key file %s cannot be written: %w", path, cause(err))
	}
	return h.Name(), nil
}

func syncDir(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// cause strips the path that package os repeats.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
