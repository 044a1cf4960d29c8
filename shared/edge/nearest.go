package edge

import (
	"strings"
)

// nearest gives the known name that a misspelt one most likely meant, or "" when none is near: a different case, or an edit of about a third
// of its letters at most.
func nearest(name string, known []string) string {
	if len(name) > 64 {
		return ""
	}
	best, least := "", 1+(len([]rune(name))+2)/3
	for _, k := range known {
		if strings.EqualFold(k, name) {
			return k
		}
		if d := distance([]rune(name), []rune(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is Levenshtein's: the fewest letters to insert, remove or change.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			cost := diagonal
			if x != y {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
