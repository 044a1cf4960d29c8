// Command docs writes the generated documents of this folder: errors.md, every code with its status and text, and api.md, every operation. With
// --check it writes nothing and exits with status 1 when one is not what the source says.
package main

import "github.com/steward-crm/steward/infra/generated"

func main() { generated.Main("docs", files) }

func files(root string) (map[string][]byte, error) {
	errors, err := errorsPage(root)
	if err != nil {
		return nil, err
	}
	api, err := apiPage()
	return map[string][]byte{"infra/docs/errors.md": errors, "infra/docs/api.md": api}, err
}
