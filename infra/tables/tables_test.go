package main

import (
	"testing"

	"github.com/steward-crm/steward/infra/generated"
)

// TestGenerated holds the tables against the libraries in go.mod.
func TestGenerated(t *testing.T) {
	if err := generated.Run("../..", true, files); err != nil {
		t.Error(err)
	}
}

// TestSound: weights of a kind that package collation cannot read stop the generator.
func TestSound(t *testing.T) {
	for say, row := range map[string]struct {
		all  []element
		good bool
	}{
		"a weight and a mark":  {[]element{{primary: 0x15EF}, {class: 230}}, true},
		"the largest weight":   {[]element{{primary: 1<<21 - 1}}, true},
		"no element":           {nil, false},
		"a weight of 22 bits":  {[]element{{class: 1}, {primary: 1 << 21}}, false},
		"a mark with a weight": {[]element{{primary: 0x248C, class: 130}}, true},
	} {
		if err := sound(row.all); (err == nil) != row.good {
			t.Errorf("%s: %v", say, err)
		}
	}
}
