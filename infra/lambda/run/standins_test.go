package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStandInsThatDoNotStart: whoever starts run-lambda is told which stand-in is missing or ended, and what it said.
func TestStandInsThatDoNotStart(t *testing.T) {
	const moto, cognitoLocal = "moto/bin/python3", "cognito/node_modules/.bin/cognito-local"
	for _, c := range []struct {
		says      string
		installed map[string]string // a script for each
		want      []string
	}{
		{"nothing is installed", nil, []string{"moto: ", "run make peers"}},
		{"moto is", map[string]string{moto: "exec sleep 60"}, []string{"cognito-local: ", "run make peers"}},
		{"both are, for another machine", map[string]string{moto: "echo no python", cognitoLocal: "echo no node"}, []string{"moto ended", "no python", "cognito-local ended", "no node"}},
	} {
		installed := t.TempDir()
		for name, script := range c.installed {
			if err := os.MkdirAll(filepath.Join(installed, filepath.Dir(name)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(installed, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		_, _, err := startStandIns(t.Context(), options{peers: installed, data: t.TempDir()})
		for _, words := range c.want {
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("%s: %v lacks %q", c.says, err, words)
			}
		}
	}
}
