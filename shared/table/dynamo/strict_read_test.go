package dynamo_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/steward-crm/steward/shared/table"
)

func (s *strict) single(op string, body []byte) (any, error) {
	var in struct {
		write
		ConsistentRead bool
	}
	if err := read(body, &in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	k, err := primary(in.Key)
	if err != nil {
		return nil, err
	}
	if op == "GetItem" {
		if m[k] == nil {
			return map[string]any{}, nil
		}
		return map[string]any{"Item": m[k]}, nil
	}
	if s.busy[[3]string{in.TableName, k[0], k[1]}] {
		return nil, &refusal{code: "TransactionConflictException", message: "Transaction is ongoing for the item"}
	}
	holds, _, err := in.judge(m[k], "Delete")
	if err != nil {
		return nil, err
	}
	if !holds {
		return nil, &refusal{code: "ConditionalCheckFailedException", message: "The conditional request failed"}
	}
	s.store(in.TableName, k, nil)
	return map[string]any{}, nil
}

const mostAnswered = 16 << 20

type wanted struct {
	Keys           []row
	ConsistentRead bool
}

func (s *strict) batchGet(body []byte) (any, error) {
	var in struct{ RequestItems map[string]wanted }
	if err := read(body, &in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, left, size, n := map[string][]row{}, map[string]*wanted{}, 0, 0
	for name, w := range in.RequestItems {
		m, err := s.table(name)
		if err != nil {
			return nil, err
		}
		for _, key := range w.Keys {
			k, err := primary(key)
			if err != nil {
				return nil, err
			}
			if n++; size+m[k].size() > mostAnswered {
				if left[name] == nil {
					left[name] = &wanted{}
				}
				left[name].Keys = append(left[name].Keys, key)
			} else if r := m[k]; r != nil {
				size += r.size()
				found[name] = append(found[name], r)
			}
		}
	}
	if n < 1 || n > 100 {
		return nil, invalid("%d keys", n)
	}
	return map[string]any{"Responses": found, "UnprocessedKeys": left}, nil
}

// query answers Query, and Scan of a segment. Rows come in the order of bytes, those of one place in an index in the order of their keys.
func (s *strict) query(body []byte) (any, error) {
	var in struct {
		TableName, IndexName, KeyConditionExpression string
		ExpressionAttributeNames                     map[string]string
		ExpressionAttributeValues                    map[string]value
		ExclusiveStartKey                            row
		Limit                                        *int
		ScanIndexForward, ConsistentRead             *bool
		Segment, TotalSegments                       *int
	}
	if err := read(body, &in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	at := []string{"pk", "sk"}
	if in.IndexName != "" {
		if i, err := strconv.Atoi(strings.TrimPrefix(in.IndexName, "gsi")); err != nil || i < 1 || i > 5 || in.TableName != s.data {
			return nil, invalid("The table does not have the specified index: %s", in.IndexName)
		}
		if in.ConsistentRead != nil && *in.ConsistentRead {
			return nil, invalid("Consistent reads are not supported on global secondary indexes")
		}
		of := strings.Replace(in.IndexName, "gsi", "g", 1)
		at = []string{of + "pk", of + "sk", "pk", "sk"}
	}
	var rows []row
	e := expressions{names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues, used: map[string]bool{}}
	e.holds(in.KeyConditionExpression) // for what it refuses even when there is no row
	for _, r := range slices.Collect(maps.Values(m)) {
		if r[at[0]].S == nil || r[at[1]].S == nil {
			continue
		}
		if e.row = r; in.TotalSegments != nil && len(*r["pk"].S)*31%*in.TotalSegments != *in.Segment || !e.holds(in.KeyConditionExpression) {
			continue
		}
		if in.IndexName != "" {
			keys := row{}
			for _, name := range at {
				keys[name] = r[name]
			}
			r = keys
		}
		rows = append(rows, r)
	}
	if err := e.finish(); err != nil {
		return nil, invalid("%v", err)
	}
	sortRows(rows, at)
	if in.ScanIndexForward != nil && !*in.ScanIndexForward {
		slices.Reverse(rows)
	}
	if in.ExclusiveStartKey != nil {
		if e.row = in.ExclusiveStartKey; len(in.ExclusiveStartKey) != len(at) || !e.holds(in.KeyConditionExpression) {
			return nil, invalid("The provided starting key is outside query boundaries based on provided conditions")
		}
		both := append(slices.Clone(rows), in.ExclusiveStartKey)
		sortRows(both, at)
		if in.ScanIndexForward != nil && !*in.ScanIndexForward {
			slices.Reverse(both)
		}
		is := func(r row) bool { return compareRows(r, in.ExclusiveStartKey, at) == 0 }
		first := slices.IndexFunc(both, is)
		rows = slices.DeleteFunc(both[first:], is)
	}
	out := map[string]any{}
	size, most := 0, len(rows)+1
	if in.Limit != nil {
		if most = *in.Limit; most < 1 {
			return nil, invalid("Limit must be at least 1")
		}
	}
	for i, r := range rows {
		if size += r.size(); size > table.MaxPage || i+1 == most {
			last := row{}
			for _, name := range at {
				last[name] = r[name]
			}
			out["LastEvaluatedKey"] = last
			rows = rows[:i+1]
			break
		}
	}
	out["Items"], out["Count"], out["ScannedCount"] = rows, len(rows), len(rows)
	return out, nil
}

func compareRows(a, b row, at []string) int {
	for _, name := range at {
		if c, _ := order(a[name], b[name]); c != 0 {
			return c
		}
	}
	return 0
}

func sortRows(rows []row, at []string) {
	slices.SortFunc(rows, func(a, b row) int { return compareRows(a, b, at) })
}
