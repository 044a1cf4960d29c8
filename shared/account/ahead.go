package account

import (
	"math"

	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// How much is read at first. DynamoDB bills an index by 4 KB, half a unit each, and less costs the same, so reads are counted in halves of a
// unit. What is missing after the first reads costs a round more, so they read ahead: as far as it takes that it is seldom missing, and where
// nobody knows how accounts are spread, up to pageHalves in all.

// Entries that half a unit has room for: of the tenant's index, of an owner's or department's, and of those whose items hang on an account.
const (
	roomOfTenant  = 17
	roomOfPlaced  = 15
	roomOfGranted = 12
)

const (
	pageHalves = 20
	mostRead   = table.MaxLimit
)

// sure is how many standard deviations are read beyond what is expected.
const sure = 2

// firstReads gives the halves of a unit that the first read of each source asks for when so many places are expected to be taken.
func firstReads(from []source, want int) []int {
	out := make([]int, len(from))
	left, unknown, light := max(pageHalves, 2*want/roomOfGranted), 0, 0
	for i := range from {
		x := &from[i]
		switch expected := x.part * float64(want); {
		case x.given != nil:
		case x.walk != nil:
			out[i] = x.walk.reads(x, want)
		case x.part == 0:
			out[i] = 1
			unknown++
		default:
			out[i] = min(halves(expected+sure*math.Sqrt(expected), x.room), halves(float64(want), x.room))
			light++
		}
		left -= out[i]
	}
	more := func(n int, is func(*source) bool) { // shares what is left among those
		if n == 0 || left <= 0 {
			return
		}
		each := left / n
		for i := range from {
			if x := &from[i]; x.given == nil && x.walk == nil && is(x) {
				k := min(out[i]+each, halves(float64(want), x.room))
				left -= k - out[i]
				out[i] = k
			}
		}
	}
	more(unknown, func(x *source) bool { return x.part == 0 })
	more(light, func(x *source) bool { return x.part > 0 })
	return out
}

// plenty is more entries than will be taken of the source, in all likelihood, though somebody has just changed half a dozen of theirs. Half a unit
// may have room for more, which would cost a local store time.
func (x *source) plenty(want int) int {
	if x.part == 0 || x.walk != nil {
		return mostRead
	}
	expected := x.part * float64(want)
	return int(expected + 2*sure*math.Sqrt(expected) + 6)
}

func halves(entries float64, room int) int { return max(1, int(math.Ceil(entries/float64(room)))) }

// walking is the reading of partitions together, all of which have entries that the reader's scope does not reach: the whole tenant's index, or
// those of departments where a team sits. What each has of the places and of the entries is expected alike however far they are read.
type walking struct {
	admits  func(*key.Entry) bool
	share   float64  // of all entries: those that are expected to be admitted
	instead []source // hold what the walk admits; nil when nothing else does
	most    int      // entries after which those are read instead: there is less than was expected
}

// walkingOf is one that admits what the reader's scope reaches.
func walkingOf(who *policy.Subject) *walking {
	return &walking{admits: func(e *key.Entry) bool { return scoped(who, e) }}
}

// turns has the walk go on as the merge after twice the entries that are expected for so many places, or what the merge reads where that is more,
// so that both together cost no more than twice the merge.
func (w *walking) turns(merged []source, want int) {
	w.instead, w.most = merged, max(2*w.entries(want), roomOfPlaced*len(merged))
}

// entries is how many are expected to be read for so many places.
func (w *walking) entries(want int) int { return int(math.Ceil(float64(want) / w.share)) }

// reads is how many halves of a unit the source reads for so many places. How many entries lie before the last of them varies with how many are
// admitted, and how many of those lie in this source with how they are dealt out.
func (w *walking) reads(x *source, want int) int {
	n := float64(w.entries(want))
	margin := sure * math.Sqrt((1-w.share)/float64(want)+(1/x.slice-1)/n)
	return halves(n*x.slice*(1+margin), x.room)
}

// What was expected of a walk weighs as much as so many entries and places that were met.
const (
	expectedEntries = 34
	expectedPlaces  = 8
)

// ahead sets what the walk's streams read next for so many places, by what has been met up to here: the share, but in no step a fourth of what it
// was, and how entries and places are dealt out. Whichever is read again is read by a fourth of what it was, so that it does not come to many
// rounds when little is missing.
func (w *walking) ahead(streams []stream, missing int) {
	var entries, places float64
	w.each(streams, func(x *stream) {
		n, found := x.passed()
		entries, places = entries+n, places+found
	})
	w.share = max(w.share/4, min((places+expectedEntries*w.share)/(entries+expectedEntries), 1))
	w.each(streams, func(x *stream) {
		n, found := x.passed()
		x.slice = (n + expectedEntries*x.slice) / (entries + expectedEntries)
		x.part = (found + expectedPlaces*x.part) / (places + expectedPlaces)
		read := max(w.reads(&x.source, missing), halves(float64(x.read)/4, x.room))
		if w.instead != nil {
			read = min(read, halves(float64(w.most)*x.slice-float64(x.read), x.room))
		}
		x.query.Limit = min(read*x.room, mostRead)
	})
}

func (w *walking) each(streams []stream, do func(*stream)) {
	for i := range streams {
		if x := &streams[i]; x.walk == w {
			do(x)
		}
	}
}

// passed is how many entries lie before the place up to which all streams were taken, about, and how many places were taken.
func (x *stream) passed() (entries, places float64) {
	entries, places = float64(x.read), float64(x.found-len(x.head))
	if len(x.head) > 0 {
		entries *= places / float64(x.found)
	}
	return entries, places
}
