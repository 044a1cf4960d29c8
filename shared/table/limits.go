package table

import (
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/fault"
)

// More limits of the port.
const (
	MaxToken  = 256  // bytes of a Commit's token; at least 1. DynamoDB takes 36: its adapter hands on a hash
	MaxLimit  = 1000 // items of one page of a Query
	PageItems = 100  // items of a page when Query.Limit is 0
	MaxDepth  = 32   // nested objects and arrays of a doc
	MaxDigits = 38   // digits of a number in a doc
	MaxYear   = 9999 // of an item's expiry
)

// CheckGet holds the keys of a Get against the limits. Every adapter calls it before it touches the store.
func CheckGet(keys []Key) error {
	if len(keys) > MaxGet {
		return fault.New(fault.Internal, "too_many_keys", "max", strconv.Itoa(MaxGet))
	}
	for i := range keys {
		if err := checkKey(keys[i]); err != nil {
			return err
		}
	}
	if repeated(len(keys), func(i int) Key { return keys[i] }) {
		return fault.New(fault.Internal, "duplicate_keys")
	}
	return nil
}

// CheckQuery holds a Query against the limits and fills in its default limit. It does not look at the cursor, whose form is the
// adapter's own.
func CheckQuery(q *Query) error {
	if q.Index > G5 || q.Limit < 0 || q.Limit > MaxLimit || q.Prefix != "" && (q.From != "" || q.To != "") {
		return fault.New(fault.Internal, "query_malformed")
	}
	if q.Limit == 0 {
		q.Limit = PageItems
	}
	if err := checkPart(q.PK, MaxPartitionKey); err != nil {
		return err
	}
	for _, s := range [...]string{q.Prefix, q.From, q.To} {
		if s == "" {
			continue
		}
		if err := checkPart(s, MaxSortKey); err != nil {
			return err
		}
	}
	return nil
}

// CheckCommit holds the token and the writes of a Commit against the limits.
func CheckCommit(token string, writes []Write) error {
	if token == "" || len(token) > MaxToken || !utf8.ValidString(token) {
		return fault.New(fault.Internal, "token_malformed", "max", strconv.Itoa(MaxToken))
	}
	if len(writes) == 0 {
		return fault.New(fault.Internal, "empty_commit")
	}
	if len(writes) > MaxWrites {
		return fault.New(fault.Invalid, "too_many_writes", "max", strconv.Itoa(MaxWrites), "count", strconv.Itoa(len(writes)))
	}
	total := 0
	for i := range writes {
		if err := checkWrite(&writes[i]); err != nil {
			return err
		}
		if writes[i].Op == OpPut {
			total += writes[i].Item.Size()
		} else {
			total += len(writes[i].Item.PK) + len(writes[i].Item.SK)
		}
	}
	if total > MaxCommit {
		return fault.New(fault.Invalid, "commit_too_large", "max", strconv.Itoa(MaxCommit), "size", strconv.Itoa(total))
	}
	if repeated(len(writes), func(i int) Key { return writes[i].Item.Key }) {
		return fault.New(fault.Internal, "duplicate_writes")
	}
	return nil
}

func checkWrite(w *Write) error {
	if w.Op > OpCheck || w.If.Kind > CondEquals || w.If.Kind == CondEquals && w.If.Name == "" {
		return fault.New(fault.Internal, "write_malformed")
	}
	if err := checkKey(w.Item.Key); err != nil {
		return err
	}
	if w.Op != OpPut {
		return nil
	}
	if w.Item.At != (IndexKey{}) || len(w.Item.Index) > 0 && w.Item.Space != Data || w.Item.Expires.UTC().Year() > MaxYear {
		return fault.New(fault.Internal, "write_malformed")
	}
	for n, k := range w.Item.Index {
		if n < G1 || n > G5 {
			return fault.New(fault.Internal, "write_malformed")
		}
		if err := checkPart(k.PK, MaxPartitionKey); err != nil {
			return err
		}
		if err := checkPart(k.SK, MaxSortKey); err != nil {
			return err
		}
	}
	if n := w.Item.Size(); n > MaxItem {
		return fault.New(fault.Invalid, "record_too_large", "max", strconv.Itoa(MaxItem), "size", strconv.Itoa(n))
	}
	if !docOK(w.Item.Doc) {
		return fault.New(fault.Internal, "doc_malformed")
	}
	return nil
}

func checkKey(k Key) error {
	if k.Space > Keys {
		return fault.New(fault.Internal, "key_malformed")
	}
	if err := checkPart(k.PK, MaxPartitionKey); err != nil {
		return err
	}
	return checkPart(k.SK, MaxSortKey)
}

func checkPart(s string, limit int) error {
	if s == "" || !utf8.ValidString(s) {
		return fault.New(fault.Internal, "key_malformed")
	}
	if len(s) > limit {
		return fault.New(fault.Invalid, "key_too_long", "max", strconv.Itoa(limit))
	}
	return nil
}

// repeated reports whether two of n keys are the same.
func repeated(n int, key func(int) Key) bool {
	if n <= 12 { // most calls: comparing all pairs costs less than a map
		for i := 1; i < n; i++ {
			for j := range i {
				if key(i) == key(j) {
					return true
				}
			}
		}
		return false
	}
	seen := make(map[Key]struct{}, n)
	for i := range n {
		seen[key(i)] = struct{}{}
	}
	return len(seen) < n
}

// docOK reports whether the doc is nothing or a JSON object that DynamoDB could hold: depth and digits are its limits.
func docOK(doc []byte) bool {
	if len(doc) == 0 {
		return true
	}
	v := jsontext.Value(doc)
	if v.Kind() != '{' || !v.IsValid() {
		return false
	}
	depth, digits, quoted, escaped := 0, 0, false, false
	for _, c := range doc {
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = c == '\\', c != '"'
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return false
			}
		case c == '}' || c == ']':
			depth--
		}
		switch {
		case quoted || c < '0' || c > '9':
			if c != '.' {
				digits = 0
			}
		default:
			if digits++; digits > MaxDigits {
				return false
			}
		}
	}
	return true
}
