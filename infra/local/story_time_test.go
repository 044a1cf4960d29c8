package main

import (
	"slices"
	"time"

	"github.com/pquerna/otp/totp"
)

func (s *story) now(args []string) {
	at := time.Now().UTC()
	if len(args) == 2 {
		later, err := time.ParseDuration(args[1])
		s.ts.Check(err)
		at = at.Add(later)
	}
	s.ts.Setenv(args[0], at.Format(time.RFC3339Nano))
}

func (s *story) totp(args []string) {
	secret := s.expand(args[1])
	now := time.Now()
	near := make([]string, 5) // from two steps before now
	for i := range near {
		c, err := totp.GenerateCode(secret, now.Add(time.Duration(i-2)*30*time.Second))
		s.ts.Check(err)
		near[i] = c
	}
	code := ""
	switch args[2] {
	case "now":
		code = near[2]
	case "next":
		code = near[3]
	case "none":
		for _, c := range []string{"000000", "111111", "222222", "333333", "444444", "555555"} { // one more than there are near
			if !slices.Contains(near, c) {
				code = c
			}
		}
	default:
		s.ts.Fatalf("wrong use; see the comment of TestStories")
	}
	s.ts.Setenv(args[0], code)
}
