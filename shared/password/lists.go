package password

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/steward-crm/steward/shared/plain"
)

// common.txt holds long passwords that are common although an estimator may find them strong: keyboard walks, phrases, pinyin.
//
//go:embed common.txt
var commonText string

// ours are the passwords of common.txt.
var ours = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(commonText) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			all[line] = true
		}
	}
	return all
})

// listed reports whether the password itself is on a list, whatever its case and spaces.
func listed(pw string) bool { return stem(strings.ReplaceAll(plain.Fold(pw), " ", "")) }

// common reports whether the password is a common one with the usual ornaments: repeated, letters replaced by signs, digits and signs
// around it.
func common(pw string) bool {
	s := plain.Fold(pw)
	for _, f := range []func(string) string{asIs, asI, asL} {
		for _, core := range []string{s, string(unit([]rune(s))), strings.TrimFunc(s, notLetter), strings.TrimRightFunc(s, notLetter)} {
			core = f(core)
			if stem(core) || stem(strings.TrimFunc(core, notLetter)) || stem(string(unit([]rune(core)))) {
				return true
			}
		}
	}
	return false
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }

// The signs that stand for letters. Some stand for two, hence two readings.
var (
	asI = strings.NewReplacer("4", "a", "@", "a", "3", "e", "0", "o", "$", "s", "5", "s", "7", "t", "+", "t", "1", "i", "!", "i", "|", "i").Replace
	asL = strings.NewReplacer("4", "a", "@", "a", "3", "e", "0", "o", "$", "s", "5", "s", "7", "t", "+", "t", "1", "l", "!", "l", "|", "l").Replace
)

func asIs(s string) string { return s }

// leastPart is the length from which a part of a personal word counts: shorter ones stand in too many innocent passwords. Han
// characters carry more: two of them make a name.
const leastPart = 4

// phoneTail is how much of the end of a phone number names somebody: people leave out the country.
const phoneTail = 8

// contextual reports whether the password holds a personal word or a part of one, whatever the case, width, signs for letters or
// separators in between.
func contextual(pw string, personal []string) bool {
	parts := partsOf(personal)
	s := plain.Fold(pw)
	for _, f := range []func(string) string{asIs, asI, asL} {
		read := letters(f(s))
		for _, p := range parts {
			if strings.Contains(read, letters(f(p))) {
				return true
			}
		}
	}
	return false
}

func partsOf(personal []string) []string {
	var parts []string
	add := func(p string) {
		n := utf8.RuneCountInString(p)
		if n >= leastPart || n >= 2 && strings.IndexFunc(p, han) >= 0 {
			parts = append(parts, p)
		}
	}
	for _, x := range personal {
		x = plain.Fold(x)
		local, domain, mail := strings.Cut(x, "@")
		if mail {
			x = local
			if i := strings.LastIndexByte(domain, '.'); i > 0 {
				domain = domain[:i] // .com, .info and the like name nobody
			}
			for label := range strings.SplitSeq(domain, ".") {
				add(letters(label))
			}
		}
		if d, ok := strings.CutPrefix(x, "+"); ok && len(d) > phoneTail && strings.Trim(d, "0123456789") == "" {
			add(d[len(d)-phoneTail:])
		}
		words := strings.FieldsFunc(x, separator)
		for _, w := range words {
			add(w)
		}
		add(letters(x))
		slices.Reverse(words)
		add(strings.Join(words, ""))
	}
	return parts
}

func separator(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

func han(r rune) bool { return unicode.Is(unicode.Han, r) }

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if separator(r) {
			return -1
		}
		return r
	}, s)
}
