package edge

import (
	"bytes"
	"reflect"

	"github.com/steward-crm/steward/shared/fault"
)

// Decode reads the body of a Raw route as strictly as every other body is read, once its handler has found out what it is. into is a
// pointer to the type that it is read as.
func Decode(body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return fault.New(fault.Malformed, "body_required")
	}
	return decode(body, into, shapeOf(reflect.TypeOf(into).Elem()))
}
