// Package local keeps the table in one bbolt file, for a laptop and for tests. It is at least as strict as DynamoDB: the same limits,
// conditions, transactions, tokens and page bounds, and index reads that a test can make lag.
//
// One goroutine writes. It takes the commits that arrived while the one before was being synced, judges them in order inside one bbolt
// transaction, each against what the earlier ones left, syncs once and answers all. Reads go to bbolt's own snapshots and wait for
// nobody. So every answer of Get, Commit and Query on the base is linearizable, and an acknowledged commit is on the disk.
//
// The package knows nothing of what items mean, and does not read the clock: Options.Now does.
package local

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
)

// Options are the choices of Open. Only Now is required.
type Options struct {
	Now    func() time.Time // the clock, for expiry, tokens and the change feed; called from many goroutines
	NoSync bool             // do not wait for the disk: for tests, where a power cut loses nothing of value
	Faults *Faults          // misbehaviour for tests; nil in production
}

// Store is the table in one file. Open makes it. It implements table.Table and table.Feed.
type Store struct {
	path   string
	now    func() time.Time
	noSync bool
	faults *Faults

	db    atomic.Pointer[bolt.DB]
	queue chan *pending
	quit  chan struct{} // closed by Close
	done  chan struct{} // closed when the writer has gone
	once  sync.Once
	shut  error // what Close answers

	w writer // of the writing goroutine alone

	mu      sync.Mutex
	tokens  tokens
	changed chan struct{} // nil until someone asks

	frozen frozen
}

var (
	_ table.Table = (*Store)(nil)
	_ table.Feed  = (*Store)(nil)
)

// Open opens the file at path, or makes it, with mode 0600. Only one process at a time may have it open: for another it is ErrInUse,
// after a quarter of a second. A file that a newer version wrote is ErrNewer. Close must be called.
func Open(path string, o Options) (*Store, error) {
	if o.Now == nil {
		return nil, errors.New("local: Options.Now is missing")
	}
	s := &Store{
		path: path, now: o.Now, noSync: o.NoSync, faults: o.Faults,
		queue: make(chan *pending, maxBatch), quit: make(chan struct{}), done: make(chan struct{}),
	}
	if err := s.open(); err != nil {
		return nil, err
	}
	s.w.opened, s.w.sync = s.now(), (*bolt.Tx).Commit
	go s.write()
	return s, nil
}

func (s *Store) open() error {
	db, err := openFile(s.path, s.noSync)
	if err != nil {
		return err
	}
	if err := s.loadTokens(db); err != nil {
		_ = db.Close()
		return err
	}
	s.db.Store(db)
	return nil
}

// Close answers what is queued, then closes the file. Calls that come later, and a second Close, change nothing.
func (s *Store) Close() error {
	s.once.Do(func() {
		close(s.quit)
		<-s.done
		s.ThawIndexes()
		s.shut = closeFile(s.db.Load())
	})
	return s.shut
}

// view runs f on a snapshot.
func (s *Store) view(ctx context.Context, f func(*bolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	tx, err := s.db.Load().Begin(false)
	if err != nil {
		return unavailable(err)
	}
	err = f(tx)
	_ = tx.Rollback() // a snapshot has nothing to undo, and no other error than being closed
	return err
}

var errClosed = errors.New("local: the store is closed")

func unavailable(cause error) error {
	return fault.New(fault.Unavailable, "table_unavailable").Because(cause).After(time.Second)
}

func internal(cause error) error {
	return fault.New(fault.Internal, "table_corrupt").Because(cause)
}
