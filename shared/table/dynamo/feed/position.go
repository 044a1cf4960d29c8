package feed

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/steward-crm/steward/shared/fault"
)

// vector is a position in the stream: of each shard that is being read, how far. Of a shard's ancestors all is read, so they are not in it. It
// is written as "shard:number,shard:,shard": read up to a number, begun, read to its end while no child is known.
type vector map[string]reached

type reached struct {
	number string // of the last change; "": none yet
	ended  bool
}

func (v vector) String() string {
	var b strings.Builder
	for i, s := range slices.Sorted(maps.Keys(v)) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(s)
		if m := v[s]; !m.ended {
			b.WriteByte(':')
			b.WriteString(m.number)
		}
	}
	return b.String()
}

func readVector(position string) (vector, error) {
	v := vector{}
	if position == "" {
		return v, nil
	}
	for part := range strings.SplitSeq(position, ",") {
		s, number, going := strings.Cut(part, ":")
		if _, twice := v[s]; s == "" || twice || strings.Trim(number, "0123456789") != "" {
			return nil, lost(nil)
		}
		v[s] = reached{number, !going}
	}
	return v, nil
}

// lost says that changes after a position are not to be had any more, or that it is of another stream.
func lost(cause error) error { return fault.New(fault.Internal, "position_unknown").Because(cause) }

// shards are those that the stream holds, and of whom each came.
type shards struct {
	parents map[string]string // "" for one that has none; a parent may not be held any more
	order   []string
	asOf    time.Time
}

func (g *shards) holds(s string) bool { _, ok := g.parents[s]; return ok }

// settle begins the shards whose parents are read to their ends, and drops of those that ended what a child stands for. A position that says
// nothing begins with those whose parents are held no more; later such a one is only listed before its parent is.
func (v vector) settle(g *shards) {
	fresh, past, parent := len(v) == 0, map[string]bool{}, map[string]bool{}
	for s := range v {
		for p := g.parents[s]; p != "" && !past[p]; p = g.parents[p] {
			past[p] = true
		}
	}
	for _, s := range g.order {
		if _, in := v[s]; in || past[s] {
			continue
		}
		p := g.parents[s]
		if p == "" || past[p] || v[p].ended || fresh && !g.holds(p) {
			v[s] = reached{}
		}
	}
	for s := range v {
		parent[g.parents[s]] = true
	}
	maps.DeleteFunc(v, func(s string, m reached) bool { return m.ended && (parent[s] || !g.holds(s)) })
}

// missing reports whether a shard that was not read to its end is not held any more, or none of them at all is.
func (v vector) missing(g *shards) bool {
	none := len(v) > 0
	for s, m := range v {
		if g.holds(s) {
			none = false
		} else if !m.ended {
			return true
		}
	}
	return none
}

// childless reports whether one has ended of which no child is known yet.
func (v vector) childless() bool {
	for _, m := range v {
		if m.ended {
			return true
		}
	}
	return false
}

// going are the shards to be read, in order.
func (v vector) going() (out []string) {
	for s, m := range v {
		if !m.ended {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}
