// Command docs writes what is generated from the routes: errors.md, every code with its status and text; api.md, every operation; and the OpenAPI
// document with its viewer's page, which functions/docs serves. With --check it writes nothing and exits with status 1 when one is not what the
// source says.
package main

import "github.com/steward-crm/steward/infra/generated"

func main() { generated.Main("docs", files) }

func files(root string) (map[string][]byte, error) {
	all, err := described()
	if err != nil {
		return nil, err
	}
	if all["infra/docs/errors.md"], err = errorsPage(root); err != nil {
		return nil, err
	}
	all["infra/docs/api.md"], err = apiPage()
	return all, err
}
