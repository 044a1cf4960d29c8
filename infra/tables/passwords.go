package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ccojocar/zxcvbn-go/adjacency"
	"github.com/ccojocar/zxcvbn-go/frequency"
)

// words is every word of the estimator's lists in order, with the best of its ranks, and a star when it is a common password.
func words() ([]byte, error) {
	best, common := map[string]int{}, map[string]bool{}
	for name, list := range frequency.Lists {
		ranks := map[string]int{} // a word that stands twice has its last rank
		for i, w := range list.List {
			if strings.ContainsAny(w, "\t\n") || name == "Passwords" && w != strings.ToLower(w) {
				return nil, fmt.Errorf("%q of %s cannot stand in the table", w, name)
			}
			ranks[strings.ToLower(w)] = i + 1
			if name == "Passwords" {
				common[w] = true
			}
		}
		for w, rank := range ranks {
			if have, ok := best[w]; !ok || rank < have {
				best[w] = rank
			}
		}
	}
	var lines []string
	for w, rank := range best {
		if w == "" {
			continue // no part of a password is empty
		}
		star := ""
		if common[w] {
			star = "*"
		}
		lines = append(lines, fmt.Sprintf("%s\t%d%s\n", w, rank, star))
	}
	slices.Sort(lines) // a tab sorts before every sign of a word
	return []byte(strings.Join(lines, "")), nil
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
