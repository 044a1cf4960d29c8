// Command tables writes the tables that shared/password reads instead of linking the library which knows them: the words and keyboards of
// zxcvbn. With --check it writes nothing and exits with status 1 when one is not what the library says. The package's tests hold what it
// answers to what the library answers.
package main

import "github.com/steward-crm/steward/infra/generated"

func main() { generated.Main("tables", files) }

func files(string) (map[string][]byte, error) {
	known, err := words()
	if err != nil {
		return nil, err
	}
	keys, err := keyboards()
	return map[string][]byte{"shared/password/words.txt": known, "shared/password/keyboards.txt": keys}, err
}
