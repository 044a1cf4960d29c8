package account

import (
	"encoding/hex"
	"sync"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// collators sort names as people do: Latin and other letters by the root collation of Unicode, Chinese characters by pinyin, in every tenant,
// because an index has one order. A collator keeps state, so each is used by one goroutine at a time.
var collators = sync.Pool{New: func() any { return collate.New(language.Chinese, collate.Loose) }}

// weightBytes bounds the weight of a name: names that agree so far are ordered by id.
const weightBytes = 96

// weight is where a name stands among others: compare the texts.
func weight(name string) string {
	c := collators.Get().(*collate.Collator)
	defer collators.Put(c)
	var b collate.Buffer
	k := c.KeyFromString(&b, name)
	return hex.EncodeToString(k[:min(len(k), weightBytes)])
}
