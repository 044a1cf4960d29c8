package edge

import "strings"

// The forms of names, read by hand: compiling expressions for them was the longest part of this package's start, which each Lambda function pays.

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// isID reports the form of every id: 2 to 8 small letters, an underscore, and a ULID.
func isID(s string) bool {
	prefix, rest, ok := strings.Cut(s, "_")
	return ok && len(prefix) >= 2 && len(prefix) <= 8 && only(prefix, isSmall) &&
		len(rest) == 26 && only(rest, func(c byte) bool { return strings.IndexByte(crockford, c) >= 0 })
}

// isOperation reports resource.verb, of two or more names.
func isOperation(s string) bool {
	n := 0
	for name := range strings.SplitSeq(s, ".") {
		if name == "" || !isSmall(name[0]) || !only(name, isAlphanumeric) {
			return false
		}
		n++
	}
	return n >= 2
}

// isSegment reports a fixed part of a path.
func isSegment(s string) bool {
	return s != "" && (isAlphanumeric(s[0]) || s[0] == '_') &&
		only(s, func(c byte) bool { return isAlphanumeric(c) || c == '_' || c == '.' || c == '-' })
}

// isParam reports a part of a path that is a parameter: {name}.
func isParam(s string) bool {
	if len(s) < 3 || s[0] != '{' || s[len(s)-1] != '}' {
		return false
	}
	name := s[1 : len(s)-1]
	return isAlphanumeric(name[0]) && !isDigit(name[0]) && only(name, isAlphanumeric)
}

func only(s string, fits func(byte) bool) bool {
	for i := range len(s) {
		if !fits(s[i]) {
			return false
		}
	}
	return true
}

func isSmall(c byte) bool        { return c >= 'a' && c <= 'z' }
func isDigit(c byte) bool        { return c >= '0' && c <= '9' }
func isAlphanumeric(c byte) bool { return isSmall(c) || c >= 'A' && c <= 'Z' || isDigit(c) }
