package openfga

import (
	"context"
	"slices"
	"strings"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"
	"github.com/openfga/openfga/pkg/storage"
	"github.com/openfga/openfga/pkg/storage/memory"
	"github.com/openfga/openfga/pkg/tuple"
)

// tuples is OpenFGA's memory store with indexes. Its own looks through every tuple at every read, and twice for each that it writes: at
// 10,000 accounts that alone would be most of what is measured.
type tuples struct {
	storage.OpenFGADatastore                               // stores, models and the rest
	forward                  map[place][]*openfgav1.Tuple  // by object and relation, in the order of users
	reverse                  map[origin][]*openfgav1.Tuple // by kind of object, relation and user, in the order of objects
}

type place struct{ object, relation string }

type origin struct{ kind, relation, user string }

func newTuples() *tuples {
	return &tuples{OpenFGADatastore: memory.New(), forward: map[place][]*openfgav1.Tuple{}, reverse: map[origin][]*openfgav1.Tuple{}}
}

// add takes a tuple; the workload has none twice.
func (t *tuples) add(object, relation, user string) {
	x := &openfgav1.Tuple{Key: &openfgav1.TupleKey{Object: object, Relation: relation, User: user}}
	t.forward[place{object, relation}] = append(t.forward[place{object, relation}], x)
	at := origin{tuple.GetType(object), relation, user}
	t.reverse[at] = append(t.reverse[at], x)
}

// sort must follow the last add: one tuple is found by halving, and the server merges lists by the order of objects.
func (t *tuples) sort() {
	for _, list := range t.forward {
		slices.SortFunc(list, func(a, b *openfgav1.Tuple) int { return byUser(a, b.GetKey().GetUser()) })
	}
	for _, list := range t.reverse {
		slices.SortFunc(list, byObject)
	}
}

func byUser(a *openfgav1.Tuple, user string) int { return strings.Compare(a.GetKey().GetUser(), user) }

func byObject(a, b *openfgav1.Tuple) int {
	return strings.Compare(a.GetKey().GetObject(), b.GetKey().GetObject())
}

func (t *tuples) of(object, relation string, keep func(user string) bool) []*openfgav1.Tuple {
	var out []*openfgav1.Tuple
	for _, x := range t.forward[place{object, relation}] {
		if keep(x.GetKey().GetUser()) {
			out = append(out, x)
		}
	}
	return out
}

// Read gives the tuples of an object's relation.
func (t *tuples) Read(_ context.Context, _ string, f storage.ReadFilter, _ storage.ReadOptions) (storage.TupleIterator, error) {
	return storage.NewStaticTupleIterator(t.of(f.Object, f.Relation, func(user string) bool {
		return f.User == "" || user == f.User || strings.HasSuffix(f.User, ":") && strings.HasPrefix(user, f.User)
	})), nil
}

// ReadUserTuple gives one tuple.
func (t *tuples) ReadUserTuple(_ context.Context, _ string, f storage.ReadUserTupleFilter, _ storage.ReadUserTupleOptions) (*openfgav1.Tuple, error) {
	list := t.forward[place{f.Object, f.Relation}]
	if i, found := slices.BinarySearchFunc(list, f.User, byUser); found {
		return list[i], nil
	}
	return nil, storage.ErrNotFound
}

// ReadUsersetTuples gives those tuples of an object's relation that name a set of users.
func (t *tuples) ReadUsersetTuples(_ context.Context, _ string, f storage.ReadUsersetTuplesFilter, _ storage.ReadUsersetTuplesOptions) (storage.TupleIterator, error) {
	return storage.NewStaticTupleIterator(t.of(f.Object, f.Relation, func(user string) bool { return strings.Contains(user, "#") })), nil
}

// ReadStartingWithUser gives the tuples of a relation that name one of the users.
func (t *tuples) ReadStartingWithUser(
	_ context.Context, _ string, f storage.ReadStartingWithUserFilter, _ storage.ReadStartingWithUserOptions,
) (storage.TupleIterator, error) {
	var out []*openfgav1.Tuple
	for _, u := range f.UserFilter {
		name := u.GetObject()
		if u.GetRelation() != "" {
			name += "#" + u.GetRelation()
		}
		for _, x := range t.reverse[origin{f.ObjectType, f.Relation, name}] {
			if _, id := tuple.SplitObject(x.GetKey().GetObject()); f.ObjectIDs == nil || f.ObjectIDs.Exists(id) {
				out = append(out, x)
			}
		}
	}
	if len(f.UserFilter) > 1 {
		slices.SortFunc(out, byObject)
	}
	return storage.NewStaticTupleIterator(out), nil
}
