// Command phones writes the tables that package phone reads numbers by, from the metadata that the library phonenumbers carries: plans.txt, the
// numbering plan of each region and of each calling code that belongs to none, and codes.txt, the regions of each calling code. With --check it
// writes nothing and exits with status 1 when one is not what the library says. What package phone takes for granted of the tables is checked
// here, so that metadata of a kind it has not met stops the generator and not a request.
package main

import "github.com/steward-crm/steward/infra/generated"

func main() { generated.Main("phones", files) }

func files(string) (map[string][]byte, error) {
	plans, codes, err := tables()
	return map[string][]byte{"shared/phone/plans.txt": plans, "shared/phone/codes.txt": codes}, err
}
