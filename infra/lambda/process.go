package lambda

import (
	"context"
	"runtime/debug"
	"sync/atomic"
)

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
