package password

import "strings"

// signs are what stands for each letter, by the estimator's table. Three signs stand for two letters each.
var signs = []struct {
	letter byte
	signs  string
}{
	{'a', "4@"}, {'b', "8"}, {'c', "({[<"}, {'e', "3"}, {'g', "69"}, {'i', "1!|"}, {'l', "1|7"}, {'o', "0"}, {'s', "$5"}, {'t', "+7"}, {'x', "%"}, {'z', "2"},
}

// spelled finds words in which signs stand for letters. A reading has one sign for each letter, and one letter for each sign.
func spelled(pw string, add func(part)) {
	var used []struct {
		letter byte
		signs  string
	}
	for _, s := range signs {
		if s.signs = strings.Map(func(r rune) rune {
			if strings.ContainsRune(pw, r) {
				return r
			}
			return -1
		}, s.signs); s.signs != "" {
			used = append(used, s)
		}
	}
	if len(used) == 0 {
		return
	}
	seen := map[string]bool{}
	// of says which letter a sign with two of them stands for.
	var read func(n int, s string, of map[byte]byte)
	read = func(n int, s string, of map[byte]byte) {
		if n == len(used) {
			if !seen[s] {
				seen[s] = true
				dictionary(s, add)
			}
			return
		}
		none := true
		for _, sign := range []byte(used[n].signs) {
			if l := of[sign]; l == 0 || l == used[n].letter {
				none = false
				read(n+1, strings.ReplaceAll(s, string(sign), string(used[n].letter)), of)
			}
		}
		if none {
			read(n+1, s, of)
		}
	}
	for _, one := range "il" {
		for _, bar := range "il" {
			for _, seven := range "lt" {
				read(0, pw, map[byte]byte{'1': byte(one), '|': byte(bar), '7': byte(seven)})
			}
		}
	}
}
