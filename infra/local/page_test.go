package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestThePageOfTestsIsTrue holds that each test and each story that infra/docs/tests.md names is there, and in the package that it names.
func TestThePageOfTestsIsTrue(t *testing.T) {
	page, err := os.ReadFile("../docs/tests.md")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	there := map[string]bool{} // with and without the package
	err = filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != ".." && path != "../.." {
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		src, err := os.ReadFile(path)
		pkg := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "../../")
		for _, f := range declared.FindAllSubmatch(src, -1) {
			there[string(f[1])] = true
			there[strings.TrimPrefix(pkg, "shared/")+"."+string(f[1])] = true
		}
		return err
	})
	if err != nil || len(there) < 400 {
		t.Fatalf("%d tests found, %v", len(there), err)
	}
	named := 0
	for _, span := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(string(page), -1) {
		name, _, _ := strings.Cut(span[1], "/<")
		if regexp.MustCompile(`^([a-z/]+\.)?Test[A-Z]\w+$`).MatchString(name) {
			if named++; !there[name] {
				t.Errorf("there is no %s", name)
			}
		}
	}
	for _, list := range regexp.MustCompile("stor(?:y|ies) ((?:`[a-z-]+`(?:, )?)+)").FindAllStringSubmatch(string(page), -1) {
		for _, story := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(list[1], -1) {
			if named++; story[1] != "" {
				if _, err := os.Stat(filepath.Join("testdata/stories", story[1]+".txt")); err != nil {
					t.Error(err)
				}
			}
		}
	}
	if named < 200 {
		t.Errorf("the page names %d only: it is read wrongly", named)
	}
}
