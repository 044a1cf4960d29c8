package phone

import (
	_ "embed" // the tables
	"strconv"
	"strings"
)

// The tables; infra/phones says what is in a line.
var (
	//go:embed plans.txt
	plans string
	//go:embed codes.txt
	codes string
)

// plan is what the numbers of a region, or of a calling code of no country, look like.
type plan struct {
	code         string // the calling code
	abroad       string // pattern of the prefix for calls abroad
	prefix, rule string // pattern of the prefix for calls within, and what it turns into
	leading      string // pattern of the digits that tell the region from others of its code
	lengths      lengths
	general      string // pattern of every number
	kinds        string // lengths and pattern of each kind of number
}

// planOf finds the plan of a region or of a calling code of no country.
func planOf(key string) (*plan, bool) {
	fields, ok := line(plans, key)
	if !ok {
		return nil, false
	}
	next := func() (field string) {
		field, fields, _ = strings.Cut(fields, "\t")
		return field
	}
	p := &plan{code: next(), abroad: next(), prefix: next(), rule: next(), leading: next(), lengths: lengthsOf(next()), general: next()}
	p.kinds = fields
	return p, true
}

// homeOf finds the plan of a region that numbers are dialled from, or nil.
func homeOf(region string) *plan {
	if region == "" || digit(region[0]) {
		return nil // a calling code of no country, or nothing
	}
	p, _ := planOf(region)
	return p
}

// line finds the fields of a key in a table, by halving: nothing is read at the start, and nothing kept.
func line(table, key string) (fields string, ok bool) {
	for table != "" {
		start := strings.LastIndexByte(table[:len(table)/2], '\n') + 1
		end := start + strings.IndexByte(table[start:], '\n')
		at, fields, _ := strings.Cut(table[start:end], "\t")
		switch strings.Compare(key, at) {
		case 0:
			return fields, true
		case -1:
			table = table[:start]
		default:
			table = table[end+1:]
		}
	}
	return "", false
}

// lengths is a set of how many digits a number may have: bit n for n.
type lengths uint64

func lengthsOf(list string) (l lengths) {
	for n := range strings.SplitSeq(list, ",") {
		if n, err := strconv.Atoi(n); err == nil {
			l |= 1 << n
		}
	}
	return l
}

func (l lengths) has(n int) bool { return l>>n&1 != 0 }

// exceeded tells whether n is more than any of l.
func (l lengths) exceeded(n int) bool { return l>>n == 0 }

// holds tells whether a national number is a valid one of the plan.
func (p *plan) holds(national string) bool {
	if !p.lengths.has(len(national)) || !full(p.general, national) {
		return false
	}
	for kind := range strings.SplitSeq(p.kinds, "\t") {
		list, pattern, ok := strings.Cut(kind, ":")
		if ok && (list == "" || lengthsOf(list).has(len(national))) && full(pattern, national) {
			return true
		}
	}
	return false
}
