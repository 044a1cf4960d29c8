package prune

import (
	"go/format"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// client is a small client as smithy-go generates them: two operations, one of which calls a third by itself.
var files = map[string]string{
	"schemas/schemas.go": `package schemas

import (
	smithy "github.com/aws/smithy-go"
	prelude "github.com/aws/smithy-go/prelude"
)

var Service = smithy.NewServiceSchema(_Service, "2026")
var _Service = smithy.NewSchema("Service")
var Get = smithy.NewSchema("Get")
var GetInput = smithy.NewSchema("GetInput")
var GetInput_Key *smithy.Schema
var GetOutput = smithy.NewSchema("GetOutput")
var GetOutput_Item *smithy.Schema
var Item = smithy.NewSchema("Item")
var Item_Parts *smithy.Schema
var _Parts = smithy.NewSchema("Parts")
var _Parts_member *smithy.Schema
var Part = smithy.NewSchema("Part")
var Part_Name *smithy.Schema
var Discover = smithy.NewSchema("Discover")
var DiscoverInput = smithy.NewSchema("DiscoverInput")
var Refused = smithy.NewSchema("Refused")
var List = smithy.NewSchema("List")
var ListInput = smithy.NewSchema("ListInput")
var ListInput_Of *smithy.Schema
var Page = smithy.NewSchema("Page")
var Page_Item *smithy.Schema
var Page_Size *smithy.Schema
var Named = map[string]*smithy.Schema{"Kept": Kept}
var Kept = smithy.NewSchema("Kept")

func init() {
	GetInput_Key = GetInput.AddMember("Key", Item)
	GetOutput_Item = GetOutput.AddMember("Item", Item)
	Item_Parts = Item.AddMember("Parts", _Parts)
	_Parts_member = _Parts.AddMember("member", Part)
	Part_Name = Part.AddMember("Name", Part)
	ListInput_Of = ListInput.AddMember("Of", Page)
	Page_Item = Page.AddMember("Item", Item)
	Page_Size = Page.AddMember("Size", prelude.Integer)
}
`,
	"client/api_client.go":      "package client\n\nimport \"example.com/c/schemas\"\n\nfunc New() { use(schemas.Service) }\n",
	"client/api_op_Get.go":      "package client\n\nimport \"example.com/c/schemas\"\n\nfunc (c *Client) Get() { c.Discover(&DiscoverInput{}); use(schemas.Get, schemas.GetInput_Key, schemas.GetOutput) }\n",
	"client/api_op_Discover.go": "package client\n\nimport \"example.com/c/schemas\"\n\nfunc (c *Client) Discover(*DiscoverInput) { use(schemas.Discover, schemas.DiscoverInput) }\n",
	"client/api_op_List.go":     "package client\n\nimport \"example.com/c/schemas\"\n\nfunc (c *Client) List(*ListInput) { use(schemas.List, schemas.ListInput, schemas.ListInput_Of) }\n",
	"client/registry.go":        "package client\n\nimport \"example.com/c/schemas\"\n\nvar Registry = []any{schemas.Refused}\n",
	"types/types.go":            "package types\n\nimport \"example.com/c/schemas\"\n\nfunc (v *Page) Serialize() { use(schemas.Page, schemas.Page_Item) }\n\nfunc (v Part) Serialize() { use(schemas.Part) }\n",
}

func read(t *testing.T, files map[string]string) (*client, error) {
	t.Helper()
	dir := t.TempDir()
	packages := map[string][]string{}
	for name, text := range files {
		to := filepath.Join(dir, name)
		if err := write(to, []byte(text)); err != nil {
			t.Fatal(err)
		}
		path := "example.com/c/" + filepath.Dir(name)
		packages[path] = append(packages[path], to)
	}
	return load(packages)
}

// TestCut: of an operation that is called everything stays that it is described by, down to the members of members; so does what it calls itself, what
// the client names whatever is called, and what the schemas' file does besides. Of the others nothing does.
func TestCut(t *testing.T) {
	c, err := read(t, files)
	if err != nil {
		t.Fatal(err)
	}
	d := c.declared()
	text, names := c.cut(d, c.needed(d, []string{"Get"}))
	slices.Sort(names)
	if want := []string{"List", "ListInput", "ListInput_Of", "Page", "Page_Item", "Page_Size"}; !slices.Equal(names, want) {
		t.Errorf("%v were left out; want %v", names, want)
	}
	if _, err := format.Source(text); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	for line, want := range map[string]bool{
		`var Page *smithy.Schema`: true, `var Item = smithy.NewSchema("Item")`: true, `Page_Size = `: false, `Part_Name = Part.AddMember`: true, `_ "github.com/aws/smithy-go/prelude"`: true,
	} {
		if strings.Contains(string(text), line) != want {
			t.Errorf("%q is there: %v\n%s", line, !want, text)
		}
	}
	cut := Cut{functions: map[string]string{}}
	cut.note(c, names)
	if got, want := slices.Sorted(maps.Keys(cut.functions)), []string{"example.com/c/client.(*Client).List", "example.com/c/types.(*Page).Serialize"}; !slices.Equal(got, want) {
		t.Errorf("%v need what was left out; want %v", got, want)
	}
}

// TestUnknownName: where the schemas go by another name nobody can tell which of them are needed, so that client is not written.
func TestUnknownName(t *testing.T) {
	other := maps.Clone(files)
	other["client/api_op_List.go"] = "package client\n\nimport s \"example.com/c/schemas\"\n\nfunc List() { use(s.List) }\n"
	if _, err := read(t, other); err == nil || !strings.Contains(err.Error(), "schemas") {
		t.Errorf("it says %v", err)
	}
}

// TestClients holds the real thing: a program on the pruned client reads, and is refused, as on the whole one; of a program that calls what was left out
// Missing says so.
func TestClients(t *testing.T) {
	t.Chdir("../../../..")
	folder, err := os.MkdirTemp(".", ".prune-") // in the repository: go.mod names it by its way from there
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	get := "./infra/lambda/build/prune/testdata/get"
	cut, err := Clients(folder, "", get)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	build := func(pkg, system string) string {
		to := filepath.Join(dir, filepath.Base(pkg)+"-"+system)
		c := exec.Command("go", "build", "-modfile", cut.ModFile, "-gcflags=github.com/aws/...=-l", "-ldflags", "-s -w", "-o", to, pkg)
		c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return to
	}
	program := build(get, runtime.GOOS)
	if missing, err := cut.Missing(build(get, "linux")); err != nil || len(missing) > 0 {
		t.Errorf("%v is missing, %v", missing, err)
	}
	for _, c := range []struct {
		status       int
		answer, want string
	}{
		{200, `{"Item":{"name":{"S":"Ann"},"tags":{"L":[{"N":"7"}]}}}`, "Ann 7"},
		{400, `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}`, "refused: slow down"},
	} {
		var asked string
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			asked = r.Header.Get("X-Amz-Target") + " " + string(b)
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.answer)
		}))
		out, err := exec.Command(program, s.URL).CombinedOutput()
		s.Close()
		if got := strings.TrimSpace(string(out)); err != nil || got != c.want {
			t.Errorf("it prints %q, %v; want %q", got, err, c.want)
		}
		if want := `DynamoDB_20120810.GetItem {"Key":{"pk":{"S":"1"}},"TableName":"people"}`; asked != want {
			t.Errorf("it asks %s, want %s", asked, want)
		}
	}
	missing, err := cut.Missing(build("./infra/lambda/build/prune/testdata/list", "linux"))
	if err != nil || !slices.ContainsFunc(missing, func(m string) bool {
		return strings.Contains(m, "dynamodb.(*ListTablesInput).Serialize needs ListTablesInput")
	}) {
		t.Errorf("of what it calls only %v is missing, %v", missing, err)
	}
	if _, err := cut.Missing("go.mod"); err == nil {
		t.Error("a file that is no binary misses nothing")
	}
}
