package dynamo_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/table"
)

// strict is a stand-in for DynamoDB in memory, for the few calls that the adapter makes. It does what facts were measured of on DynamoDB
// Local and what moto gets wrong: a token's replay changes nothing, its use for another request is refused, transactions on the same item
// at the same time conflict, the limits hold. It speaks the wire's JSON, so that the SDK is between.
type strict struct {
	data, keys string
	now        func() time.Time

	mu      sync.Mutex
	tables  map[string]map[[2]string]row
	tokens  map[string]remembered
	busy    map[[3]string]bool
	running map[string]bool // tokens of transactions in flight
	applied int             // transactions, but those that burn a token
	stream  []map[string]any
}

type remembered struct {
	at   time.Time
	what [32]byte
}

// refusal is an error of DynamoDB.
type refusal struct {
	code    string
	message string
	reasons []reason
}

type reason struct {
	Code    string
	Message string `json:",omitzero"`
	Item    row    `json:",omitzero"`
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

func invalid(format string, args ...any) error {
	return &refusal{code: "ValidationException", message: fmt.Sprintf(format, args...)}
}

func newStrict(t testing.TB, now func() time.Time) (*strict, string) {
	s := &strict{
		data: "data", keys: "keys", now: now, tokens: map[string]remembered{}, busy: map[[3]string]bool{}, running: map[string]bool{},
		tables: map[string]map[[2]string]row{"data": {}, "keys": {}},
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server.URL
}

func (s *strict) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	out, err := s.answer(op, body)
	status := http.StatusOK
	if err != nil {
		status = http.StatusBadRequest
		f, ok := err.(*refusal)
		if !ok {
			f = &refusal{code: "SerializationException", message: err.Error()}
		}
		m := map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#" + f.code, "message": f.message}
		if f.reasons != nil {
			m["CancellationReasons"] = f.reasons
		}
		out = m
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, out)
}

func (s *strict) answer(op string, body []byte) (any, error) {
	switch op {
	case "TransactWriteItems":
		return s.transact(body)
	case "GetItem", "DeleteItem":
		return s.single(op, body)
	case "BatchGetItem":
		return s.batchGet(body)
	case "Query", "Scan":
		return s.query(body)
	}
	return nil, &refusal{code: "UnknownOperationException", message: op}
}

func read(body []byte, into any) error {
	return json.Unmarshal(body, into, json.RejectUnknownMembers(true))
}

// write is one write of a transaction, and a single DeleteItem.
type write struct {
	TableName                           string
	Key                                 row
	Item                                row // of a Put
	UpdateExpression                    string
	ConditionExpression                 string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           map[string]value
	ReturnValuesOnConditionCheckFailure string
}

func (s *strict) table(name string) (map[[2]string]row, error) {
	if m, ok := s.tables[name]; ok {
		return m, nil
	}
	return nil, &refusal{code: "ResourceNotFoundException", message: "Requested resource not found"}
}

func primary(key row) (k [2]string, err error) {
	pk, sk := key["pk"], key["sk"]
	if len(key) != 2 || pk.S == nil || sk.S == nil || *pk.S == "" || *sk.S == "" || len(*pk.S) > table.MaxPartitionKey || len(*sk.S) > table.MaxSortKey {
		return k, invalid("The provided key element does not match the schema")
	}
	return [2]string{*pk.S, *sk.S}, nil
}

// key is the write's primary key.
func (w *write) key() row {
	if w.Item != nil {
		return row{"pk": w.Item["pk"], "sk": w.Item["sk"]}
	}
	return w.Key
}

// judge evaluates one write on the row that is stored; next is nil when it is deleted or was not there.
func (w *write) judge(stored row, kind string) (holds bool, next row, err error) {
	e := expressions{row: stored, names: w.ExpressionAttributeNames, values: w.ExpressionAttributeValues, used: map[string]bool{}}
	holds = e.holds(w.ConditionExpression)
	switch kind {
	case "Update":
		next = row{}
		for name, v := range stored {
			next[name] = v
		}
		for name, v := range w.Key {
			next[name] = v
		}
		e.update(w.UpdateExpression, next)
		if next.size() > table.MaxItem {
			e.fail("Item size to update has exceeded the maximum allowed size")
		}
	case "Put":
		if next = w.Item; next.size() > table.MaxItem {
			e.fail("Item size has exceeded the maximum allowed size")
		}
	case "ConditionCheck":
		if next = stored; w.ConditionExpression == "" {
			e.fail("a check without a condition")
		}
	}
	if err := e.finish(); err != nil {
		return false, nil, invalid("%v", err)
	}
	return holds, next, nil
}

func (s *strict) transact(body []byte) (any, error) {
	var in struct {
		ClientRequestToken string
		TransactItems      []map[string]write
	}
	if err := read(body, &in); err != nil {
		return nil, err
	}
	if n := len(in.TransactItems); n < 1 || n > 100 || len(in.ClientRequestToken) < 1 || len(in.ClientRequestToken) > 36 {
		return nil, invalid("%d writes, a token of %d", n, len(in.ClientRequestToken))
	}
	canonical := jsontext.Value(slices.Clone(body)) // DynamoDB compares parameters, not their order
	if err := canonical.Canonicalize(); err != nil {
		return nil, err
	}
	what := sha256.Sum256(canonical)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running[in.ClientRequestToken] {
		return nil, &refusal{code: "TransactionInProgressException", message: "The transaction with the given request token is already in progress."}
	}
	if old, ok := s.tokens[in.ClientRequestToken]; ok && s.now().Sub(old.at) < table.TokenLife {
		if old.what != what {
			return nil, &refusal{code: "IdempotentParameterMismatchException", message: "the token was used with other parameters"}
		}
		return map[string]any{}, nil
	}
	var at [][3]string
	reasons := make([]reason, len(in.TransactItems))
	met := false
	for i, item := range in.TransactItems {
		reasons[i].Code = "None"
		for _, w := range item {
			k, err := primary(w.key())
			if err != nil {
				return nil, err
			}
			full := [3]string{w.TableName, k[0], k[1]}
			if slices.Contains(at, full) {
				return nil, invalid("Transaction request cannot include multiple operations on one item")
			}
			if at = append(at, full); s.busy[full] {
				reasons[i], met = reason{Code: "TransactionConflict", Message: "Transaction is ongoing for the item"}, true
			}
		}
	}
	if met {
		return nil, cancelled(reasons)
	}
	for _, k := range at {
		s.busy[k] = true
	}
	s.running[in.ClientRequestToken] = true
	s.mu.Unlock() // the time in which others meet this one
	for range 20 {
		runtime.Gosched()
	}
	s.mu.Lock()
	delete(s.running, in.ClientRequestToken)
	for _, k := range at {
		delete(s.busy, k)
	}
	if err := s.apply(in.TransactItems, reasons); err != nil {
		return nil, err
	}
	s.tokens[in.ClientRequestToken] = remembered{at: s.now(), what: what}
	if _, burns := in.TransactItems[0]["ConditionCheck"]; !burns || at[0][2] != in.ClientRequestToken {
		s.applied++
	}
	return map[string]any{}, nil
}

func cancelled(reasons []reason) error {
	return &refusal{code: "TransactionCanceledException", message: "Transaction cancelled, please refer cancellation reasons for specific reasons", reasons: reasons}
}

func (s *strict) apply(items []map[string]write, reasons []reason) error {
	next := make([]row, len(items))
	failed, total := false, 0
	for i, item := range items {
		if len(item) != 1 {
			return invalid("a write of %d kinds", len(item))
		}
		for kind, w := range item {
			m, err := s.table(w.TableName)
			if err != nil {
				return err
			}
			k, _ := primary(w.key())
			holds, row, err := w.judge(m[k], kind)
			if err != nil {
				return err
			}
			next[i] = row
			if total += row.size(); !holds {
				failed = true
				reasons[i] = reason{Code: "ConditionalCheckFailed", Message: "The conditional request failed"}
				if w.ReturnValuesOnConditionCheckFailure == "ALL_OLD" {
					reasons[i].Item = m[k]
				}
			}
		}
	}
	if failed {
		return cancelled(reasons)
	}
	if total > table.MaxCommit {
		return invalid("Collection of items in transaction is too large")
	}
	for i, item := range items {
		for kind, w := range item {
			if kind != "ConditionCheck" {
				k, _ := primary(w.key())
				s.store(w.TableName, k, next[i])
			}
		}
	}
	return nil
}

// store puts a row in its place, nil taking it away, and writes the stream.
func (s *strict) store(name string, k [2]string, next row) {
	old := s.tables[name][k]
	if next == nil {
		delete(s.tables[name], k)
	} else {
		s.tables[name][k] = next
	}
	if name != s.data || old == nil && next == nil {
		return
	}
	n := len(s.stream) + 1
	d := map[string]any{"ApproximateCreationDateTime": float64(s.now().UnixMilli()) / 1000, "SequenceNumber": fmt.Sprintf("%021d", n)}
	if old != nil {
		d["OldImage"] = old
	}
	if next != nil {
		d["NewImage"] = next
	}
	s.stream = append(s.stream, map[string]any{"eventID": fmt.Sprint(n), "eventVersion": "1.1", "eventSource": "aws:dynamodb", "dynamodb": d})
}
