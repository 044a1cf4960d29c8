package main

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/ccojocar/zxcvbn-go/adjacency"
	"github.com/ccojocar/zxcvbn-go/frequency"
)

// words are all words of the estimator's lists as package password reads them: a trie of their bytes, and the best rank of each word.
func words() (trie, ranks []byte, err error) {
	best, common := map[string]int{}, map[string]bool{}
	for name, list := range frequency.Lists {
		last := map[string]int{} // a word that stands twice has its last rank
		for i, w := range list.List {
			if name == "Passwords" && w != strings.ToLower(w) {
				return nil, nil, fmt.Errorf("%q of %s cannot stand in the table", w, name)
			}
			last[strings.ToLower(w)] = i + 1
			if name == "Passwords" {
				common[w] = true
			}
		}
		for w, rank := range last {
			if have, ok := best[w]; !ok || rank < have {
				best[w] = rank
			}
		}
	}
	delete(best, "") // no part of a password is empty
	sorted := slices.Sorted(maps.Keys(best))
	trie, err = appendTrie(nil, sorted, 0)
	if err != nil {
		return nil, nil, err
	}
	low, high := make([]byte, len(sorted)), make([]byte, len(sorted))
	for i, w := range sorted {
		rank := best[w]
		if common[w] {
			rank += firstCommon
		}
		if common[w] != (rank >= firstCommon) || rank > math.MaxUint16 {
			return nil, nil, fmt.Errorf("%q has the rank %d", w, best[w])
		}
		low[i], high[i] = byte(rank), byte(rank>>8)
	}
	return trie, slices.Concat(low, high), nil
}

// The trie is as package password says. A node with siblings after it has a note when its descendants take more than many bytes: fewer are passed
// over one by one.
const (
	sibling, word, children = 1, 2, 4
	noLetter                = 26
	many                    = 24       // bytes
	firstCommon             = 48 << 10 // ranks of common passwords are so much higher
)

// appendTrie appends the nodes of sorted words, which agree in their first n bytes.
func appendTrie(trie []byte, sorted []string, n int) ([]byte, error) {
	if len(sorted[0]) == n {
		sorted = sorted[1:] // it is the parent
	}
	for len(sorted) > 0 {
		c := sorted[0][n]
		end := slices.IndexFunc(sorted, func(w string) bool { return w[n] != c })
		flags := byte(sibling)
		if end < 0 {
			end, flags = len(sorted), 0
		}
		if len(sorted[0]) == n+1 {
			flags |= word
		}
		below, err := []byte(nil), error(nil)
		if end > 1 || flags&word == 0 {
			flags |= children
			below, err = appendTrie(nil, sorted[:end], n+1)
		}
		words := end - int(flags&word/word)
		if err != nil || len(below) >= 1<<21 || words > math.MaxUint16 {
			return nil, errors.Join(err, fmt.Errorf("%q begins %d words in %d bytes", sorted[0][:n+1], words, len(below)))
		}
		if flags&sibling != 0 && len(below) > many {
			trie = append(trie, byte(len(below)>>16<<3), byte(len(below)>>8), byte(len(below)), byte(words>>8), byte(words))
		}
		if 'a' <= c && c <= 'z' {
			trie = append(trie, (c-'a')<<3|flags)
		} else {
			trie = append(trie, noLetter<<3|flags, c)
		}
		trie, sorted = append(trie, below...), sorted[end:]
	}
	return trie, nil
}

// keyboards is a line for each key: the keyboard, the key, and its neighbours in the order of their directions.
func keyboards() ([]byte, error) {
	var lines []string
	for _, name := range []string{"qwerty", "dvorak", "keypad", "macKeypad"} {
		for key, next := range adjacency.GraphMap[name].Graph {
			if len(key) != 1 {
				return nil, fmt.Errorf("key %q", key)
			}
			lines = append(lines, name+"\t"+key+"\t"+strings.Join(next, "\t")+"\n")
		}
	}
	slices.Sort(lines)
	return []byte(strings.Join(lines, "")), nil
}
