package phone

import (
	_ "embed"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// table is made from the metadata of libphonenumber by infra/tables. Lines of calling codes (code, regions), an empty line, lines of plans:
// region (001 for none), calling code, international prefix, national prefix, what a national prefix becomes, leading digits, possible
// lengths, lengths within an area, pattern, then lengths:pattern for each kind of number. The fields are divided by tabs.
//
//go:embed countries.txt
var table string

// world is where the numbers are from that belong to no country, such as +800.
const world = "001"

// regions gives the regions of each calling code, the main one first.
var regions = sync.OnceValue(func() map[int][]string {
	all := map[int][]string{}
	head, _, _ := strings.Cut(table, "\n\n")
	for line := range strings.Lines(head) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		code, _ := strconv.Atoi(f[0])
		all[code] = f[1:]
	}
	return all
})

// plan is how a region numbers its telephones. Its patterns are compiled when they are first asked.
type plan struct {
	code                  int
	international         *pattern
	national, leading     *pattern // nil: none
	becomes               string
	lengths, localLengths []int
	general               *pattern
	kinds                 []kind
}

type kind struct {
	lengths []int // none: the plan's
	pattern *pattern
}

type pattern struct {
	text string
	once sync.Once
	rx   *regexp.Regexp
}

func (p *pattern) compiled() *regexp.Regexp {
	p.once.Do(func() { p.rx = regexp.MustCompile(p.text) })
	return p.rx
}

func whole(s string) *pattern { return &pattern{text: "^(?:" + s + ")$"} }

func start(s string) *pattern {
	if s == "" {
		return nil
	}
	return &pattern{text: "^(?:" + s + ")"}
}

var plans sync.Map // from the region, or 001 and the calling code, to *plan

// planOf gives the plan of a region, or of a calling code of the world; nil when there is none.
func planOf(region string, code int) *plan {
	if len(region) < 2 || len(region) > 3 || strings.ContainsAny(region, "\t\n") {
		return nil
	}
	name := region + "\t"
	if region == world {
		name += strconv.Itoa(code) + "\t"
	}
	if p, ok := plans.Load(name); ok {
		return p.(*plan)
	}
	_, line, ok := strings.Cut(table[strings.Index(table, "\n\n")+1:], "\n"+name)
	if !ok {
		return nil
	}
	line, _, _ = strings.Cut(line, "\n")
	if region != world {
		number, rest, _ := strings.Cut(line, "\t")
		code, _ = strconv.Atoi(number)
		line = rest
	}
	p, _ := plans.LoadOrStore(name, read(code, strings.Split(line, "\t")))
	return p.(*plan)
}

func read(code int, f []string) *plan {
	p := &plan{
		code: code, international: &pattern{text: f[0]}, national: start(f[1]), becomes: f[2], leading: start(f[3]),
		lengths: numbers(f[4]), localLengths: numbers(f[5]), general: whole(f[6]),
	}
	for _, k := range f[7:] {
		n, text, _ := strings.Cut(k, ":")
		p.kinds = append(p.kinds, kind{numbers(n), whole(text)})
	}
	return p
}

func numbers(s string) []int {
	var all []int
	for n := range strings.SplitSeq(s, ",") {
		if i, err := strconv.Atoi(n); err == nil {
			all = append(all, i)
		}
	}
	return all
}

// valid reports whether the national number is one of some kind.
func (p *plan) valid(number string) bool {
	if !slices.Contains(p.lengths, len(number)) && len(p.lengths) > 0 || !p.general.compiled().MatchString(number) {
		return false
	}
	return slices.ContainsFunc(p.kinds, func(k kind) bool {
		return (len(k.lengths) == 0 || slices.Contains(k.lengths, len(number))) && k.pattern.compiled().MatchString(number)
	})
}

// strip takes the national prefix away, and puts in what must stand for it, unless a number that fits would fit no more.
func (p *plan) strip(number string) string {
	if number == "" || p.national == nil {
		return number
	}
	rx := p.national.compiled()
	groups := rx.FindStringSubmatchIndex(number)
	if groups == nil {
		return number
	}
	rest := number[groups[1]:]
	if p.becomes != "" && groups[len(groups)-2] >= 0 {
		rest = rx.ReplaceAllString(number, p.becomes)
	}
	if fits := p.general.compiled(); fits.MatchString(number) && !fits.MatchString(rest) {
		return number
	}
	return rest
}

// The answers of length.
const (
	possible = iota
	short
	long
	local
	between
)

func (p *plan) length(number string) int {
	n := len(number)
	switch {
	case slices.Contains(p.localLengths, n):
		return local
	case slices.Contains(p.lengths, n):
		return possible
	case n < p.lengths[0]:
		return short
	case n > p.lengths[len(p.lengths)-1]:
		return long
	}
	return between
}
