package local

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// memberIs reports whether the doc's top-level member is the string.
func memberIs(doc []byte, name, value string) bool {
	if len(doc) == 0 {
		return false
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(doc))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return false
	}
	for d.PeekKind() == '"' {
		k, err := d.ReadToken()
		if err != nil {
			return false
		}
		if k.String() != name {
			if err := d.SkipValue(); err != nil {
				return false
			}
			continue
		}
		v, err := d.ReadToken()
		return err == nil && v.Kind() == '"' && v.String() == value
	}
	return false
}
