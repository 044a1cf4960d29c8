package password

import _ "embed"

// The words of zxcvbn's lists are written by infra/tables as a trie, which is read where it lies: nothing is built of it, and only the pages that a
// search touches are read. A node is a byte, flags in three bits and the letter in the others, or none, and the next byte is the sign. It comes
// before its children, and these before its siblings, which are in order. A node without flags is a note that the next one has many
// descendants: how many bytes these take (21 bits, of which its own are the first), and how many words they are (16). Words are numbered in
// their order: the lower halves of their ranks stand first, then the upper ones.
var (
	//go:embed words.bin
	wordTrie string
	//go:embed ranks.bin
	wordRanks string
)

const (
	sibling, ends, children = 1, 2, 4
	noLetter                = 26
	// firstCommon is how much higher the ranks of common passwords are noted.
	firstCommon = 48 << 10
)

// minStem is the length from which a word of the lists counts as a common password with ornaments.
const minStem = 4

// stem reports whether s is a common password: one of ours, or one of the estimator's.
func stem(s string) bool {
	if ours()[s] {
		return true
	}
	common := false
	if len(s) >= minStem {
		prefixes(s, func(end, number int) { common = end == len(s) && noted(number) >= firstCommon })
	}
	return common
}

// ranked calls yield with the end (exclusive) and the rank of each word that begins at the start of s.
func ranked(s string, yield func(end, rank int)) {
	prefixes(s, func(end, number int) { yield(end, noted(number)%firstCommon) })
}

func noted(number int) int {
	return int(wordRanks[number]) | int(wordRanks[len(wordRanks)/2+number])<<8
}

// prefixes calls yield with the end (exclusive) and the number of each word that begins at the start of s.
func prefixes(s string, yield func(end, number int)) {
	at, number := 0, 0
	for i := range len(s) {
		n := readNode(at)
		for n.sign < s[i] && n.flags&sibling != 0 {
			at, number = n.pass(number)
			n = readNode(at)
		}
		if n.sign != s[i] {
			return
		}
		if n.flags&ends != 0 {
			yield(i+1, number)
			number++
		}
		if n.flags&children == 0 {
			return
		}
		at = n.next
	}
}

// node is a node of the trie, with what is noted of its descendants, if it is noted.
type node struct {
	sign, flags  byte
	next         int // after itself
	bytes, words int
}

func readNode(at int) (n node) {
	b := wordTrie[at]
	if b&(sibling|ends|children) == 0 {
		n.bytes = int(b>>3)<<16 | int(wordTrie[at+1])<<8 | int(wordTrie[at+2])
		n.words = int(wordTrie[at+3])<<8 | int(wordTrie[at+4])
		at += 5
		b = wordTrie[at]
	}
	n.sign, n.flags, n.next = 'a'+b>>3, b&(sibling|ends|children), at+1
	if b>>3 == noLetter {
		n.sign, n.next = wordTrie[at+1], at+2
	}
	return n
}

// pass gives where the node's sibling is, and the number of words before that, if there are number before the node.
func (n node) pass(number int) (int, int) {
	if n.flags&ends != 0 {
		number++
	}
	if n.bytes > 0 {
		return n.next + n.bytes, number + n.words
	}
	at := n.next
	for owed := n.flags / children; owed > 0; owed-- { // nodes of which it is known that they come
		b := wordTrie[at] // has no note, being of few
		owed += b&children/children + b&sibling
		number += int(b & ends / ends)
		at++
		if b>>3 == noLetter {
			at++
		}
	}
	return at, number
}
