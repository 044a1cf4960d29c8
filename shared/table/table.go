// Package table is the port to the one store that Steward keeps its data in: a table of items with a partition key and a sort key,
// five sparse indexes that hold keys only, and transactions. It is DynamoDB's model cut down to what Steward uses; the nouns see
// nothing else, so a laptop runs the very keys, versions and transactions of production. Adapters live in the folders below; both
// pass the suite in tabletest.
//
// The port knows nothing of what items mean. It makes no keys (package key does) and opens nothing that is sealed (crypt does).
package table

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// The limits of the port. They are DynamoDB's, enforced by every adapter before anything is written.
const (
	MaxPartitionKey = 2048             // bytes of a partition key
	MaxSortKey      = 1024             // bytes of a sort key
	MaxItem         = 400 * 1024       // bytes of one item: keys, index keys, doc and sealed together; see Item.Size
	MaxWrites       = 100              // writes of one Commit
	MaxCommit       = 4 * 1024 * 1024  // bytes of one Commit
	MaxGet          = 100              // keys of one Get
	MaxPage         = 1024 * 1024      // bytes of one page of a Query
	TokenLife       = 10 * time.Minute // how long a Commit's token is remembered
)

// Space names one of the two physical tables. Keys apart from data: the keys table is in no backup, no export and no Scan.
type Space uint8

// The spaces.
const (
	Data Space = iota // everything but wrapped keys
	Keys              // wrapped data keys, and nothing else
)

// Key is the primary key of an item. Both parts are non-empty UTF-8.
type Key struct {
	Space  Space
	PK, SK string
}

// Index names one of the secondary indexes; Base is the table itself.
type Index uint8

// The indexes. All are sparse and hold keys only. The Keys space has none.
const (
	Base Index = iota
	G1
	G2
	G3
	G4
	G5
)

// IndexKey is an item's place in an index. Sort keys need not be unique in an index: the item's own key breaks ties.
type IndexKey struct{ PK, SK string }

// Item is what the table stores, and what a Query of an index answers: then it holds Key and At only.
type Item struct {
	Key
	At      IndexKey           // where an index query met the item: its entry in q.Index; empty everywhere else, and refused in a Put
	Version int64              // 0 before the first write; the table raises it by one with each Put
	Index   map[Index]IndexKey // the indexes that the item appears in
	Expires time.Time          // from this second on (fractions are rounded up) the item counts as absent; zero: never
	Doc     []byte             // plain fields: a JSON object, or nil; read back byte for byte as it was put
	Sealed  []byte             // sealed fields, opaque, or nil; empty is nil
}

// Size is the number of bytes that the item counts against MaxItem: keys, index keys, doc and sealed, plus 64 for what each item
// costs besides. Of what an index query answered, it is the size of the entry: its four keys, and 16 for their names, which is what DynamoDB
// bills a query of an index by (the projected attributes, 2026-11). It is an upper bound of DynamoDB's own count for documents that Steward
// writes, but for the 12 bytes that the adapter for DynamoDB stores beside each string among a doc's top-level members; it
// counts those against MaxItem too.
func (it *Item) Size() int {
	if it.At != (IndexKey{}) {
		return 16 + len(it.PK) + len(it.SK) + len(it.At.PK) + len(it.At.SK)
	}
	n := 64 + len(it.PK) + len(it.SK) + len(it.Doc) + len(it.Sealed)
	for _, k := range it.Index {
		n += 16 + len(k.PK) + len(k.SK)
	}
	return n
}

// Table is the store. All methods are safe for concurrent use. Errors that are not named are faults of kind Unavailable with code
// table_unavailable (the same call may succeed later) or Internal.
type Table interface {
	// Get reads up to MaxGet items, strongly consistent, in the order of the keys; keys without an item are left out. Items of
	// both spaces may be asked for in one call. Duplicate keys, or more than MaxGet, are a fault of kind Internal (a mistake in
	// Steward). Expired items are left out.
	Get(ctx context.Context, keys ...Key) ([]Item, error)

	// Query reads one partition of the table or of an index in the order of the sort key (bytewise). On Base it is strongly
	// consistent and answers whole items. On an index it may lag behind and answers items that hold only Key and At: candidates,
	// which a Get decides. A page ends at q.Limit items or MaxPage bytes; Page.Cursor is "" at the end. A cursor of another query
	// is a fault of kind Malformed, code invalid_cursor. The keys of a page may lie in one piece of memory: who keeps one of them for
	// long and drops the rest clones it.
	Query(ctx context.Context, q Query) (Page, error)

	// Commit applies all writes or none. Each write's condition is judged against the state before the commit; two writes on one
	// key are a fault of kind Internal. A condition that does not hold is *ConditionFailed, naming every write that failed. The
	// token makes the commit idempotent for TokenLife: the same token and the same writes again answer nil and change nothing,
	// the same token with other writes is a fault of kind Internal, code token_reused. A token whose commit failed may be used again.
	// Too many or too large writes are faults of kind Invalid: too_many_writes, commit_too_large, record_too_large, key_too_long.
	// After a context's end the commit is either applied or not; the same call with the same token tells which, and completes it.
	Commit(ctx context.Context, token string, writes ...Write) error

	// Scan yields every item of the Data space whose key falls into one of `of` segments, in no order, for backups. Segments
	// are numbered from 0. Items written during the scan may or may not appear.
	Scan(ctx context.Context, segment, of int) iter.Seq2[Item, error]
}

// Feed is the ordered log of committed changes: a DynamoDB stream on AWS, a log in the local store. Each consumer keeps its own
// position. Changes of one item come in the order of their commits, at least once; those of different items about in the order of time. A commit
// may show in a feed some time after it is done, by which a read from the table is ahead. The Keys space has no feed.
type Feed interface {
	// Changes reads up to limit changes after the position; "" is the oldest that is kept (24 h). It answers the changes and the
	// position after them; with none it answers at once with the same position. Changed says when to look again. Positions are not in order of
	// anything. Where the feed can tell that changes after a position are lost, or that it never gave it, the answer is a fault of kind
	// Internal, code position_unknown: a consumer begins again at "" and may have missed some.
	Changes(ctx context.Context, after string, limit int) (changes []Change, next string, err error)

	// Changed returns a channel that is closed at the next commit; by a feed that cannot tell, when it is time to look.
	Changed() <-chan struct{}
}

// Change is one item's change by one commit.
type Change struct {
	Position string
	At       time.Time // of the commit
	Before   *Item     // nil: created
	After    *Item     // nil: deleted
}

// Query says what to read. PK is required. Prefix excludes From and To.
type Query struct {
	Index    Index
	PK       string
	Prefix   string // sort keys that start with it
	From, To string // sort keys from and to, both inclusive; "" is open
	Reverse  bool   // highest sort key first
	Limit    int    // 1 to 1,000; 0 means 100
	Cursor   string // of the page before
}

// Page is a part of a query's answer.
type Page struct {
	Items  []Item
	Cursor string // "" at the end
}

// Op is what a write does.
type Op uint8

// The operations.
const (
	OpPut    Op = iota // store the item whole, raising the stored version by one; over an expired one it is 1, or under Always may go on
	OpDelete           // remove the item; removing none is fine unless the condition says otherwise
	OpCheck            // write nothing, only demand the condition
)

// Write is one part of a Commit. For OpDelete and OpCheck only Item.Key counts.
type Write struct {
	Op   Op
	Item Item
	If   Cond
}

// Put stores the item if the condition holds.
func Put(it Item, c Cond) Write { return Write{Op: OpPut, Item: it, If: c} }

// Delete removes the item if the condition holds.
func Delete(k Key, c Cond) Write { return Write{Op: OpDelete, Item: Item{Key: k}, If: c} }

// Check demands the condition and writes nothing.
func Check(k Key, c Cond) Write { return Write{Op: OpCheck, Item: Item{Key: k}, If: c} }

// CondKind is the kind of a condition.
type CondKind uint8

// The kinds of conditions. An expired item counts as absent.
const (
	CondNone    CondKind = iota // always holds
	CondAbsent                  // no item has the key
	CondPresent                 // an item has the key
	CondVersion                 // an item has the key, at this version
	CondEquals                  // an item has the key, and the top-level member of its doc is this string
)

// Cond is a condition on the item that a write's key names.
type Cond struct {
	Kind    CondKind
	Version int64  // for CondVersion
	Name    string // for CondEquals: the doc's member
	Value   string // for CondEquals
}

// The conditions.
var (
	Always  = Cond{}
	Absent  = Cond{Kind: CondAbsent}
	Present = Cond{Kind: CondPresent}
)

// VersionIs holds when the stored item is at version n.
func VersionIs(n int64) Cond { return Cond{Kind: CondVersion, Version: n} }

// Equals holds when the stored doc's top-level member name is the string value.
func Equals(name, value string) Cond { return Cond{Kind: CondEquals, Name: name, Value: value} }

// ConditionFailed is Commit's answer when conditions did not hold. Nothing was written.
type ConditionFailed struct {
	Failed []FailedWrite // in the order of the writes
}

// FailedWrite is one write whose condition did not hold.
type FailedWrite struct {
	Write int   // position among the writes of the Commit
	Item  *Item // what is stored under its key; nil: nothing
}

func (e *ConditionFailed) Error() string {
	return fmt.Sprintf("table: %d conditions failed, the first of write %d", len(e.Failed), e.Failed[0].Write)
}
