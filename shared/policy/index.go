package policy

const (
	moduleCount = 21
	actionCount = 11
)

// names finds the place of a short name in a list without hashing the whole of it: length, first and last byte pick a slot, and one
// comparison decides. It exists because a decision is asked for on every row of every list.
type names [128]struct {
	name  string
	place int8
}

var (
	moduleIndex = indexOf(len(catalogue), func(i int) string { return string(catalogue[i].Module) })
	actionIndex = indexOf(len(Actions), func(i int) string { return string(Actions[i]) })
	allowedPair = pairs()
)

func slot(s string) int { return (len(s)*31 + int(s[0])*7 + int(s[len(s)-1])) & 127 }

func indexOf(n int, name func(int) string) *names {
	t := new(names)
	for i := range n {
		at := slot(name(i))
		for t[at].name != "" {
			at = (at + 1) & 127
		}
		t[at].name, t[at].place = name(i), int8(i)
	}
	return t
}

// of gives the place of the name, or -1.
func (t *names) of(s string) int {
	if s == "" {
		return -1
	}
	for at := slot(s); t[at].name != ""; at = (at + 1) & 127 {
		if t[at].name == s {
			return int(t[at].place)
		}
	}
	return -1
}

func pairs() (p [moduleCount][actionCount]bool) {
	for i, e := range catalogue {
		for _, a := range e.Actions {
			p[i][actionIndex.of(string(a))] = true
		}
	}
	return p
}

func declared(module, action int) bool {
	return module >= 0 && action >= 0 && allowedPair[module][action]
}
