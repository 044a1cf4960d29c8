package lambda

import (
	"context"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync/atomic"
)

// wholeProcessor is the memory, in MB, with which a function gets the time of one processor; with less it gets a share, in proportion ("Configure
// Lambda function memory", AWS, November 2026). It sees two all the same.
const wholeProcessor = 1769

// processors has the process use no more processors than the function's memory pays for. A second thread of a function that has a seventh of one
// processor only takes that share up sooner: by waking, and by looking for work. A text that is no number changes nothing.
func processors(megabytes string) {
	if n, err := strconv.Atoi(megabytes); err == nil && n > 0 {
		runtime.GOMAXPROCS(min((n+wholeProcessor-1)/wholeProcessor, runtime.NumCPU()))
	}
}

// collectAt is how much garbage the heap may gain, in percent of what is alive, before it is collected. Go waits for as much again, and at least
// 4 MB: more than a function holds altogether.
const collectAt = 50

// sparing collects garbage sooner from the second invocation on. The start would be longer for it, and the first invocation is the one that
// somebody waits for longest.
func sparing(h Handler) Handler {
	var n atomic.Int64
	return func(ctx context.Context, event []byte) ([]byte, error) {
		if n.Add(1) == 2 {
			debug.SetGCPercent(collectAt)
		}
		return h(ctx, event)
	}
}
