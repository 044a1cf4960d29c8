package password

import (
	_ "embed"
	"strconv"
	"strings"
)

// wordText is made from zxcvbn's lists by infra/tables: each word with a tab and its rank, a star after it when it is a common password, in the
// order of bytes. It is searched where it lies: nothing is built of it, and only the pages that a search touches are read.
//
//go:embed words.txt
var wordText string

// minStem is the length from which a word of the lists counts as a common password with ornaments.
const minStem = 4

// stem reports whether s is a common password: one of ours, or one of the estimator's.
func stem(s string) bool {
	if ours()[s] {
		return true
	}
	if len(s) < minStem {
		return false
	}
	at, found := seek(s, 0)
	return found && strings.HasPrefix(wordText[at:], s+"\t") && strings.HasSuffix(line(at), "*")
}

// ranked calls yield with the end (exclusive) and the rank of each word that begins at the start of s.
func ranked(s string, yield func(end, rank int)) {
	at, found := 0, true
	for end := 1; end <= len(s); end++ {
		if at, found = seek(s[:end], at); !found {
			return
		}
		if wordText[at+end] == '\t' {
			rank, _ := strconv.Atoi(strings.TrimSuffix(line(at)[end+1:], "*"))
			yield(end, rank)
		}
	}
}

// seek gives where the first line from at on begins that is not before s, and whether it begins with s. It looks near at first.
func seek(s string, at int) (int, bool) {
	lo, hi := at, len(wordText)
	for step := 64; lo+step < hi; step *= 4 {
		if mid := after(lo + step); mid < hi && wordText[mid:min(mid+len(s), len(wordText))] < s {
			lo = mid
		} else {
			hi = mid
			break
		}
	}
	for lo < hi {
		mid := before((lo+hi)/2, lo)
		if wordText[mid:min(mid+len(s), len(wordText))] < s {
			lo = after(mid)
		} else {
			hi = mid
		}
	}
	return lo, strings.HasPrefix(wordText[lo:], s)
}

// before gives the begin of the line that i is in, which is not before lo.
func before(i, lo int) int { return lo + strings.LastIndexByte(wordText[lo:i], '\n') + 1 }

// after gives the begin of the line after that of i.
func after(i int) int {
	n := strings.IndexByte(wordText[i:], '\n')
	if n < 0 {
		return len(wordText)
	}
	return i + n + 1
}

func line(at int) string {
	s, _, _ := strings.Cut(wordText[at:], "\n")
	return s
}
