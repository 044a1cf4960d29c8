// Package password judges new passwords, by OWASP ASVS 5.0 section 6.2: length instead of recipes, lists of what attackers try first,
// an estimate of strength, nothing that names the person or the company. It takes a password byte for byte: no trimming, no
// normalisation, any character but NUL. It keeps nothing and hashes nothing; that is the identity provider's.
//
// The estimate is zxcvbn's, computed from tables that are searched where they lie: a binary that links this package pays nothing at start-up.
// The library itself took 45 ms of CPU there and 18 MB (November 2026): only the tests link it, to hold each answer to the library's.
package password

import (
	"encoding/binary"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/steward-crm/steward/shared/fault"
)

// The limits, in code points. A tenant may raise the first, up to MaxMinimum.
const (
	MinLength  = 12
	MaxLength  = 128
	MaxMinimum = 64
)

// Rules are what is special about one tenant and one user.
type Rules struct {
	MinLength   int      // more than MinLength raises it
	Composition bool     // demands an upper-case letter, a lower-case letter, a digit and a sign
	Personal    []string // what a password may not hold: tenant slug, company, the user's name, e-mail address and phone (E.164)

	// Reused reports whether pw is one of the last passwords. It is asked last, because it costs the most, and only about a password
	// that is good otherwise. Nil: there is none before.
	Reused func(pw string) (bool, error)
}

// Check answers nil or a fault of kind Invalid whose fields are at the pointer: forbidden_character (NUL or ill-formed text; position),
// password_too_short (min), password_too_long (max), password_common, password_contextual, password_weak, password_composition,
// password_reused. What is too long is not looked at further. Any other error is Reused's.
func Check(pointer, pw string, r Rules) error {
	if n := nul(pw); n > 0 {
		return fault.Fields(fault.At(pointer, "forbidden_character", "position", strconv.Itoa(n)))
	}
	least := min(max(MinLength, r.MinLength), MaxMinimum)
	if n := utf8.RuneCountInString(pw); n > MaxLength {
		return fault.Fields(fault.At(pointer, "password_too_long", "max", strconv.Itoa(MaxLength)))
	} else if n < least {
		return fault.Fields(fault.At(pointer, "password_too_short", "min", strconv.Itoa(least)))
	}
	var wrong []fault.Field
	strong := bits(pw) >= enough
	switch {
	case listed(pw), !strong && common(pw):
		wrong = append(wrong, fault.At(pointer, "password_common"))
	case contextual(pw, r.Personal):
		wrong = append(wrong, fault.At(pointer, "password_contextual"))
	case !strong:
		wrong = append(wrong, fault.At(pointer, "password_weak"))
	}
	if r.Composition && !composed(pw) {
		wrong = append(wrong, fault.At(pointer, "password_composition"))
	}
	if len(wrong) == 0 && r.Reused != nil {
		again, err := r.Reused(pw)
		if err != nil {
			return err
		}
		if again {
			wrong = append(wrong, fault.At(pointer, "password_reused"))
		}
	}
	return fault.Fields(wrong...)
}

// nul gives the position, from 1, of the first NUL or ill-formed byte; 0 when there is none.
func nul(pw string) int {
	n := 0
	for i, r := range pw {
		n++
		if r == 0 {
			return n
		}
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(pw[i:]); size == 1 {
				return n
			}
		}
	}
	return 0
}

func composed(pw string) bool {
	var upper, lower, digit, sign bool
	for _, r := range pw {
		switch {
		case unicode.IsUpper(r):
			upper = true
		case unicode.IsLower(r):
			lower = true
		case unicode.IsDigit(r):
			digit = true
		case !unicode.IsLetter(r):
			sign = true
		}
	}
	return upper && lower && digit && sign
}

// Letters and digits of temporary passwords: none that is taken for another, and no vowels, so that no word comes out.
const (
	uppers = "BCDFGHJKMNPQRSTVWXZ"
	lowers = "bcdfghjkmnpqrstvwxz"
	digits = "23456789"
)

// Temporary makes a password to be typed once, such as Xkd4-mtw7-Qzr2-hbn9: 62 bits, and good by every rule above, composition
// included. It panics when the randomness fails, which on a sound system it does not.
func Temporary(random io.Reader) string {
	for try := 0; ; try++ {
		pw := draw(random)
		// Chance may deal something regular.
		if try == 9 || Check("", pw, Rules{Composition: true}) == nil {
			return pw
		}
	}
}

func draw(random io.Reader) string {
	var b strings.Builder
	for i := range 4 {
		if i > 0 {
			b.WriteByte('-')
		}
		first := lowers
		if i%2 == 0 {
			first = uppers
		}
		for _, set := range []string{first, lowers, lowers, digits} {
			b.WriteByte(set[pick(random, len(set))])
		}
	}
	return b.String()
}

// pick draws a number below n. Its bias, of n in 2³², is nothing beside the 62 bits.
func pick(random io.Reader, n int) int {
	var b [4]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		panic("password: no randomness: " + err.Error())
	}
	return int(binary.BigEndian.Uint32(b[:]) % uint32(n))
}
